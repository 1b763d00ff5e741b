"""Affixes of words: their shapes and letters, which of them are known, and what a model file keeps of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rnncli.data.source import Source
from rnncli.errors import ConfigError
from rnncli.tasks.registry import config_from_mapping
from rnncli.tasks.sequences.affixes import KINDS, Affixes, shape_of
from rnncli.tasks.sequences.learner import answered
from rnncli.tasks.sequences.tag import load, prepare
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

POOL = ThreadPool(1)
SENTENCES = "Anna\tN\nsang\tV\n\nHanna\tN\nrang\tV\n\nMr.\tN\nBang\tN\n\nOslo\tN\nsat\tV\n" * 3


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("Anna", "Xxx"),
        ("NATO", "XX"),
        ("iPhone", "xXxx"),
        ("20.15", "dd.dd"),
        ("x-ray", "x-xx"),
        ("...", ".."),
        ("Ål", "Xx"),
        ("a1b2c3d4e5", "xdxdxdxd"),
        ("字", "字"),
    ],
)
def test_the_shape_keeps_capitals_digits_and_signs(word: str, shape: str) -> None:
    assert shape_of(word) == shape


def test_letters_are_lower_case_and_a_short_word_is_whole() -> None:
    of = {kind: [affix(word) for word in ("Singing", "A")] for kind, affix in KINDS.items()}
    assert of == {
        "shape": ["Xxx", "X"],
        "first_2": ["si", "a"],
        "first_3": ["sin", "a"],
        "last_2": ["ng", "a"],
        "last_3": ["ing", "a"],
    }


def test_an_affix_is_known_if_two_words_have_it() -> None:
    affixes = Affixes.of(["sang", "rang", "Anna"])
    assert dict(affixes.sizes) == {"shape": 2, "first_2": 1, "first_3": 1, "last_2": 2, "last_3": 2}
    numbers = dict(zip(KINDS, affixes.numbers(["BANG", "sand", "ng"]), strict=True))
    assert {kind: found.tolist() for kind, found in numbers.items()} == {
        "shape": [0, 1, 1],
        "first_2": [0, 0, 0],
        "first_3": [0, 0, 0],
        "last_2": [1, 0, 1],
        "last_3": [1, 0, 0],
    }
    again = Affixes.from_header(json.loads(json.dumps(affixes.to_header(), sort_keys=True)))
    assert again.sizes == affixes.sizes
    assert [a.tolist() for a in again.numbers(["sang"])] == [a.tolist() for a in affixes.numbers(["sang"])]


def prepared(**model: int):
    small = {"cell": "gru", "hidden_size": 3, "num_layers": 1, "character_size": 2}
    config = config_from_mapping(
        {"task": "tag", "data": {"encoding": "utf-8", "validation": 0.25}, "model": small | model}
    )
    return prepare(config, Source("d.conll", SENTENCES.encode()), Context(POOL), None)


def test_a_loaded_model_knows_words_by_the_affixes_of_training() -> None:
    made = prepared()
    assert made.config.model.affix_size == 16
    header = json.loads(json.dumps(made.header(), sort_keys=True))  # as in a model file
    found = load(header, made.network.parameters.export())

    def outputs_of(model: Any) -> list[bytes]:
        inputs = model.reader.encode([["pang"], ["gap"]])
        outputs = answered(model.networks[0], inputs, POOL, lexicon=model.reader.lexicon, bases=None)
        return [output.tobytes() for output in outputs]

    first = outputs_of(found)
    assert first == outputs_of(made)
    (of_pang,) = found.reader.affixes.numbers(["pang"])[list(KINDS).index("last_3")]
    assert of_pang > 0
    found.networks[0].parameters.view("affixes.last_3.weight")[of_pang] += 1
    assert [a == b for a, b in zip(outputs_of(found), first, strict=True)] == [False, True]


@pytest.mark.parametrize(
    ("model", "size"), [({"affix_size": 0}, 0), ({"character_size": 0}, 0), ({"affix_size": 3}, 3)]
)
def test_affixes_stand_beside_characters(model: dict[str, int], size: int) -> None:
    made = prepared(**model)
    names = [one.name for one in made.network.parameters.declared if one.name.startswith("affixes.")]
    assert len(names) == (len(KINDS) if size else 0)
    assert made.network.shape.affix_size == size
    assert ("affixes" in made.header()["encoder"]) == bool(size)


def test_affixes_without_characters_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.affix_size: affixes stand beside characters"):
        prepared(affix_size=4, character_size=0)
