"""What a plan says of its length."""

from __future__ import annotations

import pytest

from rnncli.workflows.planning import rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [(1843.2, "1,843"), (372.4, "372"), (99.95, "100"), (40.0, "40"), (12.34, "12.3"), (0.034, "0.034")],
)
def test_speeds_and_epochs_have_no_exponent(value: float, text: str) -> None:
    assert rounded(value) == text
