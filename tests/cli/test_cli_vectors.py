"""A file of vectors beside a config: found from there, watched like the data, and not needed by the model."""

from __future__ import annotations

import json
from pathlib import Path

from cli_runs import run

CONFIG = """\
task: language-model
data: {path: t.txt, tokens: word, vectors: v.txt, freeze_vectors: true}
model: {cell: gru, hidden_size: 4, num_layers: 1}
training: {epochs: 2, batch_size: 2, bptt: 8}
"""


def test_vectors_beside_a_config(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "c.yaml").write_text(CONFIG)
    (folder / "t.txt").write_text("red sky at night\nblue sky at noon\n" * 20)
    vectors = folder / "v.txt"
    vectors.write_text("sky 1 2\nnoon 3 4\n")
    said = run("train", "there/c.yaml", "-o", "run", "--set", "training.epochs=1", cwd=tmp_path).ok()
    assert "there/v.txt: has vectors of 2 of 7 words; the others start at random" in said.err
    assert "\nvalidation score" in run("evaluate", "run", cwd=tmp_path).ok().out
    report = json.loads(run("inspect-grads", "run", "--batches", "1", "--check", "-f", "json", cwd=tmp_path).ok().out)
    still = {one["name"]: one["update_ratio"] for one in report["parameters"]}
    assert still["embedding.weight"] == 0 < still["head.weight"]
    vectors.write_text("sky 1 2\nnoon 3 5\n")
    assert "is not what run was trained on" in run("evaluate", "run", cwd=tmp_path).failed(3)
    assert "the data changed since the run" in run("train", "-o", "run", "--resume", cwd=tmp_path).failed(3)
    vectors.unlink()
    assert "no such file" in run("evaluate", "run", cwd=tmp_path).failed(2)
    assert len(run("generate", "run", "-n", "9", cwd=tmp_path).ok().out.split()) > 1
    refused = run("train", "there/c.yaml", "-o", "new", cwd=tmp_path).failed(2)
    assert "no such file: there/v.txt" in refused
