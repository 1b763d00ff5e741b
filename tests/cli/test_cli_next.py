"""The command that a finished training names next does what it says, and so do those that come after it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_runs import run

SMALL = ("training.updates=2", "training.threads=1", "model.hidden_size=4", "model.num_layers=1")
STEPS = 60


def forecast(ahead: int, known: bool = True) -> str:
    """A table with `ahead` rows at its end of which only the covariate is known."""
    rows = [f"{day},{'' if day > STEPS else 5 + day % 7},{day % 2}" for day in range(1, STEPS + ahead + 1)]
    lines = ["day,y,promotion", *rows] if known else ["day,y", *(row.rpartition(",")[0] for row in rows)]
    return "\n".join(lines) + "\n"


def labelled(label: Callable[[int], str]) -> str:
    return "text,label\n" + "".join(f"ab{'cde'[k % 3]} fg{k % 5},{label(k)}\n" for k in range(80))


TEXT = "".join(
    f"the {'fox' if k % 3 else 'owl'} ran to the hen and {'ate' if k % 2 else 'sat'} there\n" for k in range(40)
)
PAIRS = "source,target\n" + "".join(f"{k} {k + 1},{k + 2}\n" for k in range(60))
TAGGED = "".join(f"the DET\n{'fox' if k % 2 else 'hen'} NOUN\nran VERB\n\n" for k in range(40))
KNOWN = ("task=forecast", "data.time=day", "data.target=y", "data.horizon=4", "data.context=8")
AHEAD = (*KNOWN, "data.known_covariates=promotion")
CASES: dict[str, tuple[str, tuple[str, ...], str]] = {  # the data, what is set, and the words of the next command
    "a text": (TEXT, ("task=language-model",), "generate RUN"),
    "a series": (forecast(0, known=False), KNOWN, "predict RUN"),
    "nothing known of the rows ahead": (forecast(0), AHEAD, "evaluate RUN"),
    "some rows ahead": (forecast(3), AHEAD, "predict RUN --horizon 3"),
    "all rows ahead": (forecast(4), AHEAD, "predict RUN"),
    "labels": (labelled(lambda k: "xy"[k % 2]), ("task=classify", "data.text=text"), "evaluate RUN"),
    "cross-validation": (labelled(lambda k: "xy"[k % 2]), ("task=classify", "data.folds=2"), "evaluate RUN"),
    "nothing held out": (
        labelled(lambda k: "xy"[k % 2]),
        ("task=classify", "data.text=text", "data.validation=0"),
        "predict RUN DATA",
    ),
    "numbers": (labelled(lambda k: str(k % 4)), ("task=regress", "data.text=text"), "evaluate RUN"),
    "tags": (TAGGED, ("task=tag",), "evaluate RUN"),
    "pairs": (PAIRS, ("task=seq2seq", "data.source=source", "data.target=target"), "evaluate RUN"),
}
PIPED = {
    "a text": "generate RUN",
    "a series": "predict RUN",
    "nothing known of the rows ahead": "predict RUN --future FILE",
    "labels": "predict RUN DATA",
    "pairs": "predict RUN DATA",
}


def trained(case: str, data: str, folder: Path) -> str:
    """Train, and return the command that is named next."""
    content, settings, _ = CASES[case]
    (folder / "data.txt").write_text(content, encoding="utf-8")
    sets = [word for one in (*settings, *SMALL) for word in ("--set", one)]
    result = run("train", data, "-o", "RUN", *sets, stdin=content if data == "-" else "", cwd=folder).ok()
    return result.err.rpartition("next: rnncli ")[2].strip()


def follows(command: str, folder: Path) -> None:
    """Run a command, with files in the place of words that stand for them."""
    (folder / "future.csv").write_text("day,promotion\n" + "".join(f"{STEPS + k},1\n" for k in range(1, 5)))
    files = {"DATA": "data.txt", "FILE": "future.csv"}
    run(*(files.get(word, word) for word in shlex.split(command)), cwd=folder).ok()


@pytest.mark.parametrize("case", CASES)
def test_what_training_names_next_works(case: str, tmp_path: Path) -> None:
    command = trained(case, "data.txt", tmp_path)
    assert command == CASES[case][2]
    follows(command, tmp_path)


@pytest.mark.parametrize("case", PIPED)
def test_what_training_on_a_pipe_names_next_works_without_its_data(case: str, tmp_path: Path) -> None:
    command = trained(case, "-", tmp_path)
    assert command == PIPED[case]
    follows(command, tmp_path)
