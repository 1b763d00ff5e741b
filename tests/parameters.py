"""Parameters of tests: a few of many are the README's, and all of them .ci/run's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def mostly_thorough(values: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """Return `values` for parametrize; those that are not `quick` are marked as thorough."""
    return [value if value in quick else pytest.param(value, marks=pytest.mark.thorough) for value in values]
