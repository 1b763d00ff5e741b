"""Tokens that training never saw: told once, counted, by predict and evaluate of every task that reads texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runs import run

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
