"""Did you mean ...?"""

from __future__ import annotations

from pathlib import Path

import pytest

from rnncli.config.suggestions import closest, did_you_mean, similar_sibling
from rnncli.workflows.names import similar_run


def test_a_near_word_is_suggested() -> None:
    assert did_you_mean("lerning_rate", ["epochs", "learning_rate"]) == '; did you mean "learning_rate"?'
    assert closest("LSTM", ["rnn", "lstm"]) == "lstm"


KNOWN = [
    "id",
    "seed",
    "epochs",
    "gru",
    "utf-8",
    "bfloat16",
    "learning_rate",
    "num_layers",
    "hidden_size",
    "Europe/Berlin",
]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("epoch", "epochs"),
        ("gur", "gru"),  # two letters swapped
        ("utf9", "utf-8"),
        ("learn_rate", "learning_rate"),
        ("hidden", "hidden_size"),
        ("hidden-units", "hidden_size"),
        ("layers", "num_layers"),
        ("random_seed", "seed"),
        ("lr", "learning_rate"),
        ("bf16", "bfloat16"),
        ("Berlin", "Europe/Berlin"),
    ],
)
def test_a_word_with_wrong_letters_a_part_of_one_or_its_initials(word: str, meant: str) -> None:
    assert closest(word, ["path", *KNOWN]) == meant


@pytest.mark.parametrize("word", ["watch", "batch", "units", "iterations", "me", "device"])
def test_a_word_with_as_many_letters_right_as_wrong_is_like_none(word: str) -> None:
    """Most of them have the letters of another in its order, as watch those of path: no more than that."""
    assert closest(word, ["path", "items", "attention", "gru", "id", "decoder", "tune"]) is None


def test_nothing_is_suggested_for_a_word_unlike_any() -> None:
    assert did_you_mean("zzz", ["epochs", "learning_rate"]) == ""
    assert did_you_mean("", []) == ""


def test_a_long_word_is_like_none() -> None:
    assert closest("ab" * 500_000, ["learning_rate"] * 50) is None  # compared letter by letter it would take hours


def test_a_name_in_a_folder_is_one_that_fits_and_another_than_its_own(tmp_path: Path) -> None:
    for name in ("sales.csv", "sales.yaml", "sale"):
        (tmp_path / name).touch()
    assert similar_sibling(f"{tmp_path}/sale", lambda path: path.endswith(".yaml")).endswith('/sales.yaml"?')
    assert similar_sibling(f"{tmp_path}/sale", lambda path: path.endswith("sale")) == ""
    assert similar_sibling(f"{tmp_path}/nowhere/sale") == ""


def test_a_run_is_looked_for_beside_it_and_in_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/sales").mkdir(parents=True)
    (tmp_path / "sales.yaml").touch()
    assert similar_run("sales") == similar_run("runs/sale") == '; did you mean "runs/sales"?'
    assert similar_run("sale") == ""  # no config, where a run is asked for
