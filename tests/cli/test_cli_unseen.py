"""Tokens that training never saw: told once, counted, by predict and evaluate of every task that reads texts; and what
a language model is told to read them as."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runs import run
from conftest import Shelf

TRAINING = "training: {epochs: 1, batch_size: 8, threads: 1}\n"
SMALL = "model: {cell: gru, hidden_size: 4, num_layers: 1}\n"
# task: its config, its training data, and data in which 3 tokens are unknown, with a file of the same for evaluate
KINDS = {
    "classify": (
        "task: classify\ndata: {path: t.csv, text: said, label: label, tokens: char, validation: 0.2, group: none}\n",
        "label,said\n" + "".join(f"{'ab'[k % 2]},{'xyz' * (k % 3 + 1)}\n" for k in range(40)),
        ("xyЖЖ\nxЖ\n", "of 6 tokens of"),
        "label,said\na,xyЖЖ\nb,xЖ\n",
    ),
    "classify words": (
        "task: classify\ndata: {path: t.csv, text: said, label: label, tokens: word, validation: 0.2, group: none}\n",
        "label,said\n" + "".join(f"{'ab'[k % 2]},{'good' if k % 2 else 'bad'} film\n" for k in range(40)),
        ("film movie good\ngood worse worse\n", "of 6 tokens of"),
        "label,said\na,film movie good\nb,good worse worse\n",
    ),
    "regress": (
        "task: regress\ndata: {path: t.csv, text: said, label: score, tokens: char, validation: 0.2, group: none}\n",
        "score,said\n" + "".join(f"{k % 5}.5,{'xyz' * (k % 5 + 1)}\n" for k in range(40)),
        ("xyЖЖ\nxЖ\n", "of 6 tokens of"),
        "score,said\n1,xyЖЖ\n2,xЖ\n",
    ),
    "tag": (
        "task: tag\ndata: {path: t.txt, validation: 0.2, group: none}\n",
        "".join(f"{w}\t{'AB'[k % 2]}\n" + ("\n" if k % 4 == 3 else "") for k, w in enumerate(["cat", "dogs"] * 80)),
        ("cat\nЖук\n\nЖ\nmЖ\n\n", "of 4 tokens of"),
        "cat\tA\nЖук\tB\n\nЖ\tA\nmЖ\tA\n\n",
    ),
    "seq2seq": (
        "task: seq2seq\ndata: {path: t.csv, source: a, target: b, tokens: char, validation: 0.2, group: none}\n",
        "a,b\n" + "".join(f"{'xyz' * (k % 3 + 1)},{'zy' * (k % 3 + 1)}\n" for k in range(40)),
        ("xyЖЖ\nxЖ\n", "of 6 tokens of"),
        "a,b\nxyЖЖ,z\nxЖ,z\n",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_tokens_are_told_once_and_counted(kind: str, tmp_path: Path) -> None:
    config, train, (asked, words), scored = KINDS[kind]
    ending = "txt" if kind == "tag" else "csv"
    (tmp_path / f"t.{ending}").write_text(train)
    (tmp_path / "t.yaml").write_text(config + SMALL + TRAINING)
    (tmp_path / f"new.{ending}").write_text(scored)
    run("train", "t.yaml", "-o", "run", "-q", cwd=tmp_path).ok()
    for told in (
        run("predict", "run", "-", cwd=tmp_path, stdin=asked).ok().err,
        run("evaluate", "run", f"new.{ending}", cwd=tmp_path).ok().err,
    ):
        (line,) = [line for line in told.splitlines() if words in line]
        assert "3 of" in line
        assert "vocabulary" in line
        assert "read as <unk>" in line
    known = "cat\ndogs\n" if kind == "tag" else "good film\n" if "words" in kind else "xyz\n"
    assert "<unk>" not in run("predict", "run", "-", cwd=tmp_path, stdin=known).ok().err
    assert "<unk>" not in run("evaluate", "run", cwd=tmp_path).ok().err


@pytest.mark.parametrize(
    ("command", "given", "meant"),
    [
        (["generate", "char", "-n", "20", "--prime"], "The hén", "The hen"),
        (["generate", "char", "-n", "20", "--bad-words", "é", "--prime"], "The hén", "The hen"),  # and e is written
        (["generate", "char", "-n", "20", "--bad-words", "en", "--prime"], "The hé", "The he"),
        (["predict", "char", "-", "-f", "csv"], "The hén\n", "The hen\n"),
        (["score", "char", "-f", "csv"], "The hén\n", "The hen\n"),
        (["score", "word", "-f", "csv"], "please stay at hénhouse .\n", "please stay at home .\n"),
    ],
)
def test_an_unknown_token_is_read_as_told(command: list[str], given: str, meant: str, shelf: Shelf) -> None:
    pairs = ["--unknown", "é=e", "--unknown", "==a"] if command[1] == "char" else ["--unknown", "hénhouse=home"]

    def answer(text: str, *options: str) -> str:
        asked, stdin = ([text], "") if command[0] == "generate" else ([], text)
        result = run(*command, *asked, *options, cwd=shelf.folder, stdin=stdin).ok()
        assert "<unk>" not in result.err
        return result.out.replace(text.strip(), "")  # score repeats the line

    assert len(answer(meant)) >= 20
    assert answer(given, *pairs) == answer(meant)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--unknown", "é"], "'é' is not of the form A=B; write é=e to read é as e"),
        (["--unknown", "é="], "'é=' is not of the form A=B"),
        (["--unknown", "é=e", "--unknown", "é=a"], "'é' is to be read in two ways; give one"),
        (["--unknown", "é=ö"], 'the model does not know "ö" (U+00F6); name another'),
        (
            [],
            '"é" (U+00E9) at position 6 does not occur in what the model was trained on; remove it, read it as another',
        ),
    ],
)
def test_what_an_unknown_token_is_not_read_as(options: list[str], message: str, shelf: Shelf) -> None:
    result = run("generate", "char", "--prime", "The hé", *options, cwd=shelf.folder)
    assert message in result.refused(2 if options else 3)
    refused = run("predict", "forecast", "-", "--unknown", "é=e", cwd=shelf.folder, stdin="x\n").refused(2)
    assert "--unknown: is for language-model, and this is a forecast; leave it out" in refused


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("char", "The hen.\r\nThe h\u00e9n.\r\n" * 3, '"\\r" (U+000D), "\u00e9" (U+00E9)'),
        ("byte", "The hen.\r\n" * 3, "byte 0x0D"),
        ("word", "please stay at h\u00e9nhouse .\n" * 3, '"h\u00e9nhouse"'),
    ],
)
def test_evaluate_names_the_tokens_of_a_text_that_are_unknown(
    name: str, text: str, named: str, shelf: Shelf, tmp_path: Path
) -> None:
    (tmp_path / "new.txt").write_text(text, encoding="utf-8", newline="")
    told = run("evaluate", shelf / name, "new.txt", cwd=tmp_path).ok().err
    assert f"scored as <unk>: {named}" in told
