"""A million rows or lines through predict, predict --follow, score and generate take the memory of a few thousand."""

from __future__ import annotations

import pytest
from faults.attacks import size

pytestmark = pytest.mark.faults

FEW, MANY = size(4_000, 50_000), size(20_000, 1_000_000)
MORE = 20_000_000  # bytes of memory that a longer input may take
ROOM = 4_000_000_000  # bytes of addresses, of which compiled kernels and threads take some
WORDS = ["red", "blue", "green", "one", "two", "three", "dog", "cat", "house", "tree", "sun", "moon", "runs", "sits"]
LABELS = "yes", "no"
