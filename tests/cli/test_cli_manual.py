"""rnncli help: a page, a command, an option or a key by its name; what is not there, and what several share."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from cli_runs import COMMAND, run
from reference_pages import paths_of
from test_cli_terminal import ANSI, on_a_terminal

from rnncli.cli import COMMANDS
from rnncli.config.sections import SECTIONS
from rnncli.errors import ConfigError
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.workflows import help
from rnncli.workflows.help import DOCS, Section, _sections

KEYS = sorted({path for task in TASKS.values() for section in SECTIONS for path in paths_of(task.config, section)})
TOPICS = [*COMMANDS, *TASKS, "tutorial", "training", "bptt", "--levels", "Prediction intervals", *KEYS]


def manual(*topic: str) -> str:
    shown = run("help", *topic, cwd=Path.cwd()).ok()
    assert shown.err == ""
    return shown.out


def test_alone_it_lists_what_there_is() -> None:
    contents = manual()
    assert all(name in contents for name in (*COMMANDS, *TASKS, "tutorial", "config", "gradients"))


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_shown_within_80_columns_without_escapes(topic: str) -> None:
    shown = manual(topic)
    assert topic.lstrip("-").lower() in shown.lower()
    assert max(len(line) for line in shown.splitlines() if not line.startswith("  ")) <= 80  # but for code
    assert "\x1b" not in shown


def test_words_of_a_heading_are_enough() -> None:
    assert "conformal" in manual("intervals")
    assert manual("prediction", "intervals") == manual("Prediction intervals")


def test_a_key_is_shown_with_what_it_may_be() -> None:
    shown = " ".join(manual("training.optimizer").split())
    assert "sgd, momentum, rmsprop," in shown
    assert "adamw" in shown


@pytest.mark.parametrize("key", KEYS)
def test_a_keys_example_is_a_config_of_a_task_that_has_it(key: str) -> None:
    command, _, options = manual(key).rpartition("Example:\n\n")[2].partition("--set")
    assert command.split() == ["rnncli", "train", "CONFIG"]
    overrides = [word for word in shlex.split(options) if word != "--set"]
    assert overrides[0].startswith(f"{key}=")
    owners = [task for task, its in TASKS.items() if key in paths_of(its.config, key.partition(".")[0])]
    refusals = []
    for task in owners:
        try:
            config_from_mapping({"task": task}, overrides, where="example")
        except ConfigError as error:
            refusals.append(f"{task}: {error}")
    assert len(refusals) < len(owners), refusals


def test_of_a_name_that_several_have_all_are_listed() -> None:
    shown = manual("horizon")
    assert "rnncli help data.horizon: " in shown
    assert "rnncli help predict, option --horizon: " in shown


@pytest.mark.parametrize(("topic", "meant"), [("lerning_rate", "learning_rate"), ("forcast", "forecast")])
def test_a_slip_is_answered_with_what_was_meant(topic: str, meant: str) -> None:
    said = run("help", topic, cwd=Path.cwd()).refused(2)
    assert said == f'the manual has nothing on {topic}; did you mean "{meant}"?'


@pytest.mark.parametrize("page", ["training", "tag", "output"])
def test_the_name_of_a_page_is_that_page_whatever_else_has_it(page: str) -> None:
    assert manual(page).startswith((DOCS / f"{page}.md").read_text(encoding="utf-8").partition("\n")[0][2:])


def test_words_of_the_text_are_enough_where_no_heading_has_them() -> None:
    assert "rnncli help" in manual("perplexity") or "perplexity" in manual("perplexity")
    assert "MASE" in manual("mase") or "rnncli help" in manual("mase")


ON_SCREEN = [  # by evaluate, predict, score, plot and inspect-grads
    *("nats", "nats per sequence", "nats per symbol", "nats per value", "squared error in scaled units", "perplexity"),
    *("bits_per_token", "p(neg)", "P(a label of words)", "standard error", "macro-F1", "dead units", "saturated"),
    *("growth a step", "Lyapunov", "largest σ", "ρ(W_hh)", "|grad|", "update", "zeros", "s/n", "signal over noise"),
    *("decay", "half-life", "exploding", "vanishing", "healthy"),
]


@pytest.mark.parametrize("word", ON_SCREEN)
def test_a_word_on_the_screen_is_defined_before_anything_else(word: str) -> None:
    title, blank, meaning, *_ = manual(word).split("\n")
    name = "p(…)" if word.lower().startswith("p(") else word
    assert name in title.split(", ")
    assert blank == ""
    assert not meaning.startswith("See")


def test_what_else_is_called_like_a_word_on_the_screen_is_listed_below(monkeypatch: pytest.MonkeyPatch) -> None:
    sections = [Section("glossary", 2, "gain, horizon", "## gain, horizon\n\nRows.\n"), *_sections()]
    monkeypatch.setattr(help, "_sections", lambda: iter(sections))
    shown = help.manual("horizon")
    assert shown.startswith("## gain, horizon\n\nRows.\n\nSee also\n\n- `rnncli help data.horizon`: ")
    assert "glossary" not in shown


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("plots", "rnncli plot"),
        ("learning curves", "rnncli plot"),
        ("overfitting", "over-fits"),
        ("over-fitting", "over-fits"),
        ("early stopping", "training.patience"),
        ("hyperparameters", "--over"),
    ],
)
def test_a_word_may_have_another_ending_or_a_hyphen(topic: str, told: str) -> None:
    assert told in manual(topic)


@pytest.mark.parametrize("topic", ["exit", "exit code", "codes"])
def test_a_word_within_another_is_not_meant(topic: str) -> None:
    shown = manual(topic)
    assert shown.startswith("Exit codes")
    assert "perplexity" not in shown


def test_what_is_nowhere_is_refused() -> None:
    assert "rnncli help lists its pages" in run("help", "zzz", cwd=Path.cwd()).refused(2)


def test_a_terminal_gets_a_pager_for_what_is_longer_than_it(place: Path) -> None:
    command = f"PAGER='sed s/^/paged:/' {shlex.join(COMMAND)} help"
    code, shown = on_a_terminal(shell=f"{command} forecast", cwd=place)
    assert code == 0
    assert "paged:" in ANSI.sub("", shown)
    code, shown = on_a_terminal(shell=f"{command} training.bptt", cwd=place)
    assert code == 0
    assert "paged:" not in shown
    assert "\x1b[1m" in shown


@pytest.mark.parametrize(
    "word",
    ["nats", "|grad|", "avg", "tok/s", "blocks", "groups", "healthy", "budget", "half-life", "course", "line ends"],
)
def test_words_on_the_screen_are_explained_at_once(word: str) -> None:
    shown = manual(word)
    assert len(shown.split()) < 80
    assert "rnncli help TOPIC" not in shown
