"""The same seed gives the same bytes of model, whatever the threads, the place of the data, or the time allowed."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest
from cli_runs import model_sha256, run, together
from conftest import Shelf, write_inputs

BASES = {
    "lstm": ["char.yaml"],  # two layers with dropout
    "gru": ["char.yaml", "--set", "model.cell=gru"],
    "bfloat16": ["char.yaml", "--set", "training.precision=bfloat16"],
    "forecast": ["forecast.yaml"],
    "averaged": ["char.yaml", "--set", "training.weight_averaging=0.9"],
    # Large enough that every phase of an update is worth another thread.
    "wide": ["char.yaml", "--set", "model.hidden_size=192", "--set", "training.epochs=1"],
}
MOVED = {
    "lstm": "elsewhere/other name.txt",
    "gru": "elsewhere/other name.txt",
    "forecast": "elsewhere/other.csv",
    "wide": "elsewhere/other name.txt",
}
VARIANTS = {
    "one thread": ["training.threads=1"],
    "two threads, data moved": ["training.threads=2"],
    "three threads, time to spare": ["training.threads=3", "training.max_time=1h"],
    "four threads": ["training.threads=4"],
    "other seed": ["training.threads=1", "training.seed=2"],
}
SKIPPED = {(base, "two threads, data moved") for base in ("gru", "bfloat16", "forecast", "averaged")}
SKIPPED |= {(base, "other seed") for base in ("gru", "bfloat16", "averaged")}


@pytest.fixture(scope="module")
def hashes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """model.safetensors of every base in every variant."""
    folder = tmp_path_factory.mktemp("same")
    write_inputs(folder)
    (folder / "elsewhere").mkdir()
    shutil.copy(folder / "text.txt", folder / MOVED["lstm"])
    shutil.copy(folder / "sales.csv", folder / MOVED["forecast"])

    def trained(base: str, variant: str) -> str:
        out = f"{base}, {variant}"
        data = [MOVED[base]] if "moved" in variant else []
        config, *options = BASES[base]
        settings = [part for setting in VARIANTS[variant] for part in ("--set", setting)]
        run("train", config, *data, *options, *settings, "-q", "-o", out, cwd=folder).ok()
        return model_sha256(folder / out)

    pairs = [(base, variant) for base in BASES for variant in VARIANTS if (base, variant) not in SKIPPED]
    return dict(zip(pairs, together(*(partial(trained, *pair) for pair in pairs)), strict=True))


@pytest.mark.parametrize("base", BASES)
def test_same_seed_same_bytes(base: str, hashes: dict[tuple[str, str], str]) -> None:
    mine = {variant: digest for (name, variant), digest in hashes.items() if name == base and variant != "other seed"}
    assert len(mine) >= 2
    assert set(mine.values()) == {mine["one thread"]}, mine


@pytest.mark.parametrize("base", ["lstm", "forecast"])
def test_another_seed_another_model(base: str, hashes: dict[tuple[str, str], str]) -> None:
    assert hashes[base, "other seed"] != hashes[base, "one thread"]


def test_two_runs_of_one_command_agree_with_the_default_threads(
    shelf: Shelf, hashes: dict[tuple[str, str], str]
) -> None:
    assert model_sha256(shelf / "char") == hashes["lstm", "one thread"]
    assert model_sha256(shelf / "forecast") == hashes["forecast", "one thread"]


def test_the_model_file_names_no_place_and_no_machine(shelf: Shelf) -> None:
    content = (shelf / "char/model.safetensors").read_bytes()
    assert b"language-model" in content
    assert str(Path(shelf.folder)).encode() not in content
    assert b"text.txt" not in content
    assert b"threads" not in content
    assert b"max_time" not in content
