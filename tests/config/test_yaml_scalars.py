"""What unquoted and quoted words mean."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rnncli.config.yaml_document import parse, parse_scalar

MEANINGS: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "False": False,
    "no": "no",
    "off": "off",
    "yes": "yes",
    "on": "on",
    "0": 0,
    "-12": -12,
    "+3": 3,
    "1_000": "1_000",
    "0x10": "0x10",
    "0o17": "0o17",
    "1e-3": 0.001,
    "1E5": 100000.0,
    "2.5": 2.5,
    ".5": 0.5,
    "-1.": -1.0,
    ".inf": math.inf,
    "-.Inf": -math.inf,
    "1:30": "1:30",
    "2024-01-01": "2024-01-01",
    "1e": "1e",
    ".": ".",
    "-": "-",
    "inf": "inf",
    "nan": "nan",
    "١٢": "١٢",
    "=": "=",
}


@pytest.mark.parametrize(("text", "value"), MEANINGS.items())
def test_an_unquoted_word(text: str, value: Any) -> None:
    meant = parse_scalar(text)
    assert meant == value
    assert type(meant) is type(value)


def test_not_a_number() -> None:
    assert math.isnan(parse_scalar(".NaN"))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["007", "-00", "1" * 101])
def test_a_refused_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"leading zero|too long"):
        parse_scalar(text)


@pytest.mark.parametrize("text", ["no", "3", "1e-3", "null", "0100", "", "9" * 5000, "true", "~"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_make_text(text: str, quote: str) -> None:
    assert parse(f"key: {quote}{text}{quote}", "c.yaml").value == {"key": text}
