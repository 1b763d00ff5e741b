"""data.items: a list of lines is learnt line by line, and whole lines are written."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from cli_runs import run

from rnncli.nn import model_file

NAMES = [f"{a}{b}{c}" for a in ("Ma", "Lo", "Ti", "Ke") for b in ("ra", "ni", "lo", "s") for c in ("n", "da", "mo", "")]
SMALL = [
    *("--set", "model.hidden_size=12", "--set", "model.num_layers=1", "--set", "training.epochs=30"),
    *("--set", "training.batch_size=8", "--set", "training.threads=1", "--set", "training.schedule=constant"),
]


def trained(folder: Path, out: str, text: str, *options: str) -> Path:
    (folder / "names.txt").write_text(text)
    run("train", "names.txt", "-q", "-o", out, *SMALL, *options, cwd=folder).ok()
    return folder / out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("items")
    trained(folder, "lines", "\n".join(NAMES) + "\n", "--set", "data.items=lines")
    return folder


def test_whole_lines_are_written_one_a_line_and_none_is_empty(folder: Path) -> None:
    out = run("generate", "lines", "--count", "40", cwd=folder).ok().out
    lines = out.splitlines()
    assert out == "".join(f"{line}\n" for line in lines)
    assert len(lines) == 40
    assert all(line.strip() for line in lines)
    assert sum(line in NAMES for line in lines) > 3  # an end is where names end


def test_each_is_that_of_its_seed(folder: Path) -> None:
    told = run("generate", "lines", "--count", "8", "-f", "jsonl", cwd=folder).ok().out.splitlines()
    for one in map(json.loads, told[::3]):
        assert run("generate", "lines", "--seed", str(one["seed"]), cwd=folder).ok().out == f"{one['text']}\n"


def test_novel_leaves_out_what_the_training_text_has(folder: Path) -> None:
    call = ["generate", "lines", "--count", "30"]
    both = [run(*call, *novel, cwd=folder).ok().out.splitlines() for novel in ([], ["--novel"])]
    assert {*both[0]} & {*NAMES}
    assert not {*both[1]} & {*NAMES}
    assert len(both[1]) == 30
    assert [line for line in both[0] if line not in NAMES] == both[1][: sum(line not in NAMES for line in both[0])]


def test_a_prime_begins_an_item_and_is_part_of_it(folder: Path) -> None:
    for echo in ([], ["--echo"]):
        lines = run("generate", "lines", "--count", "5", "--prime", "Lo", *echo, cwd=folder).ok().out.splitlines()
        assert len(lines) == 5
        assert all(line.startswith("Lo") and not line.startswith("LoLo") for line in lines)
    message = run("generate", "lines", "--prime", "Lo\nMa", cwd=folder).refused(2)
    assert "several lines" in message
    assert '"x" (U+0078)' in run("generate", "lines", "--prime", "x", cwd=folder).refused(3)


def test_the_length_bounds_an_item(folder: Path) -> None:
    result = run("generate", "lines", "--count", "6", "-n", "2", cwd=folder).ok()
    assert {len(line) for line in result.out.splitlines()} == {2}
    assert "6 of 6 lines had no end after 2 tokens and are cut there; raise -n" in result.err


def test_what_there_is_nothing_new_of_is_said(folder: Path) -> None:
    known = run("generate", "lines", "--count", "1", "--top-k", "1", cwd=folder).ok().out.strip()
    wanted = 3 if known in NAMES else 0
    result = run("generate", "lines", "--count", "3", "--top-k", "1", "--novel", cwd=folder).ok()
    assert ("0 of 3 lines are written" in result.err) == bool(wanted)


def test_novel_needs_the_training_text(folder: Path) -> None:
    assert "which only a run directory knows" in run(
        "generate", "lines/model.safetensors", "--novel", cwd=folder
    ).refused(2)
    names = (folder / "names.txt").read_text()
    try:
        (folder / "names.txt").write_text("Xi\n" + names)
        assert "is not what lines was trained on" in run("generate", "lines", "--novel", cwd=folder).refused(3)
        (folder / "names.txt").write_text(names + "Xi\n")
        grown = run("generate", "lines", "--novel", "--count", "1", cwd=folder).ok()
        assert "names.txt has grown since training; its first" in grown.err
    finally:
        (folder / "names.txt").write_text(names)


def test_the_next_token_may_be_the_end(folder: Path) -> None:
    (folder / "asked.txt").write_text("Ma\nLonida\n")
    answers = json.loads(run("predict", "lines", "asked.txt", "-f", "json", "--top", "3", cwd=folder).ok().out)
    assert "<end>" not in [one["token"] for one in answers[0]["next"]]
    assert answers[1]["next"][0]["token"] == "<end>"


def test_the_score_says_that_ends_count_and_no_baseline_reads_another_line(folder: Path) -> None:
    out = run("evaluate", "lines", cwd=folder).ok().out
    assert "ends included" in out
    assert "5-gram within lines" not in out
    (folder / "more.txt").write_text("Marada\nTinimo\n")
    assert "14 tokens, ends included" in " ".join(run("evaluate", "lines", "more.txt", cwd=folder).ok().out.split())
    assert "ok" in run("check", "lines", cwd=folder).ok().out
    run("inspect-grads", "lines", cwd=folder).ok()


def test_training_is_the_same_on_any_number_of_threads_and_when_it_is_resumed(folder: Path) -> None:
    models = []
    for threads in (1, 2, 3, 4):
        path = trained(
            folder, f"t{threads}", "\n".join(NAMES), "--set", "data.items=lines", "--set", f"training.threads={threads}"
        )
        models.append((path / "model.safetensors").read_bytes())
    assert models[0] == models[1] == models[2] == models[3]
    half = trained(folder, "half", "\n".join(NAMES), "--set", "data.items=lines", "--set", "training.epochs=13")
    run("train", "-o", "half", "--resume", "-q", "--set", "training.epochs=30", cwd=folder).ok()
    weights = [model_file.read(path / "state.safetensors")[0]["weights"] for path in (half, folder / "t1")]
    assert np.array_equal(*weights)


def test_paragraphs_and_files_are_whole_and_apart(tmp_path: Path) -> None:
    text = "".join(
        f"Roses are {a}\nand so {b}\n\n" for a in ("red", "dead", "mad") for b in ("is he", "are we", "I am")
    )
    trained(tmp_path, "poems", text, "--set", "data.items=paragraphs")
    poems = run("generate", "poems", "--count", "3", cwd=tmp_path).ok().out
    assert poems.endswith("\n")
    assert len(poems.removesuffix("\n").split("\n\n")) == 3


@pytest.mark.parametrize(
    ("text", "told"), [("Ann\n", "has 1 line"), ("\n \n", "is empty"), ("aa\na\naaa\n" * 9, "2 distinct")]
)
def test_too_little_to_learn_from(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "n.txt").write_text(text)
    options = ["--set", "task=language-model", "--set", "data.items=lines"]
    assert told in run("train", "n.txt", "-q", *options, cwd=tmp_path).failed(3)


def test_novel_is_for_items(tmp_path: Path) -> None:
    trained(tmp_path, "stream", "\n".join(NAMES) + "\n", "--set", "data.items=stream", "--set", "training.epochs=1")
    assert "--novel: this model writes a stream" in run("generate", "stream", "--novel", cwd=tmp_path).refused(2)


def test_going_on_with_a_new_list_takes_its_new_characters(folder: Path) -> None:
    (folder / "new.txt").write_text("".join(f"{name}é\nÜ{name}\n" for name in NAMES))
    few = ["--set", "training.epochs=2"]
    result = run("train", "--from", "lines", "new.txt", "-o", "on", *few, cwd=folder).ok()
    assert '2 tokens are new to the model, and start with new weights: "Ü" (U+00DC), "é" (U+00E9)' in result.err
    assert "the optimizer starts anew" in result.err
    before, after = (model_file.read(folder / name / "model.safetensors")[1] for name in ("lines", "on"))
    known = before["vocabulary"]["tokens"]
    assert after["vocabulary"]["tokens"] == [*known, ord("Ü"), ord("é")]
    run("check", "on", cwd=folder).ok()
    run("train", "-o", "on", "--resume", "-q", "--set", "training.epochs=3", cwd=folder).ok()
    assert "new to the model" not in run("train", "--from", "on", "-o", "again", *few, cwd=folder).ok().err
    assert len(run("generate", "on", "--count", "3", "--prime", "Ü", cwd=folder).ok().out.splitlines()) == 3


def test_ends_of_items_are_not_learnt_by_a_stream_that_goes_on(folder: Path) -> None:
    message = run("train", "--from", "lines", "-o", "not", "--set", "data.items=stream", cwd=folder).refused(2)
    assert "data.items: stream, and the weights to start from have learnt where items end" in message


def test_other_tokens_are_not_learnt_by_weights_that_know_these(folder: Path) -> None:
    for other in ("byte", "word"):
        message = run("train", "--from", "lines", "-o", "not", "--set", f"data.tokens={other}", cwd=folder).refused(2)
        assert f"data.tokens: {other}, and the weights to start from have learnt char; leave it out" in message


WORDS = (("name", "width", "colour", "end", "size"), ("a wide", "an empty", "each"), ("table", "menu", "page", "word"))
SUBJECTS = "".join(f"mend: the {a} of {b} {c} (#{17 * k})\n" for k, (a, b, c) in enumerate(product(*WORDS)))
LEARNT_AS_ONE = "looks like a list, each line an item of its own, and is learnt as one text"


def test_a_list_that_is_learnt_as_one_text_is_told_where_nobody_asked_for_it(tmp_path: Path) -> None:
    (tmp_path / "subjects.txt").write_text(SUBJECTS)
    (tmp_path / "prose.txt").write_text(
        "".join(f"{line.strip()}{',.'[k % 2]}\n" for k, line in enumerate(SUBJECTS.splitlines()))
    )
    (tmp_path / "char.yaml").write_text("task: language-model\ntraining: {epochs: 1}\nmodel: {hidden_size: 8}\n")
    words = [f"item {chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(260)]
    (tmp_path / "some twice").mkdir()
    (tmp_path / "some twice" / "subjects.txt").write_text("\n".join([*words, *words[:140]]))
    (tmp_path / "most twice.txt").write_text("\n".join([*words[:190], *words[:190], *words[:20]]))
    short = ["--set", "training.updates=2"]
    cases = (
        (True, ["some twice/subjects.txt", *SMALL, *short]),
        (False, ["most twice.txt", *SMALL, *short]),
        (True, ["char.yaml", "subjects.txt"]),
        (True, ["subjects.txt", *SMALL, *short]),
        (False, ["subjects.txt", *SMALL, *short, "--set", "data.items=stream"]),
        (False, ["char.yaml", "subjects.txt", "--set", "data.items=lines"]),
        (False, ["char.yaml", "prose.txt"]),
    )
    for k, (told, arguments) in enumerate(cases):
        said = run("train", *arguments, "-o", f"run {k}", cwd=tmp_path).ok().err
        assert (f"subjects.txt: {LEARNT_AS_ONE}; for a list: --set data.items=lines\n" in said) == told, arguments
        assert (LEARNT_AS_ONE in said) == told, arguments


def test_a_list_that_begins_from_a_stream_is_told_to_be_one(folder: Path, tmp_path: Path) -> None:
    trained(tmp_path, "stream", SUBJECTS, "--set", "data.items=stream")
    (tmp_path / "names.txt").write_text("\n".join([*NAMES, *(name[::-1] for name in NAMES)]))
    said = run("train", "--from", "stream", "names.txt", "-o", "run", cwd=tmp_path).ok().err
    assert f"names.txt: {LEARNT_AS_ONE}, as the weights to start from have learnt one\n" in said
    assert LEARNT_AS_ONE not in run("evaluate", "run", cwd=tmp_path).ok().err
