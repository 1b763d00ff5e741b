"""Whatever a program hands over as data: a source, or an error of rnncli's own."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import hypothesis
import numpy as np
import pytest
from attacks import Tally, size
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import rnncli
from rnncli.api.handed import Handed, Names, handed

pytestmark = pytest.mark.faults

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=3),
    st.datetimes(),
    st.dates(),
    st.decimals(),
    st.complex_numbers(),
    st.sampled_from(
        [np.float32("nan"), np.datetime64("NaT"), np.int8(3), np.str_("a"), object(), datetime.timedelta(1)]
    ),
    st.sampled_from([decimal.Decimal("NaN"), 10**400, float("inf"), "\ud800", "a\nb", "\0", "", range(3), slice(2)]),
)
ARRAYS = arrays.arrays(
    st.sampled_from(["f2", "f4", "f8", "i1", "u8", "M8[D]", "M8[ns]", "m8[s]", "?", "U2", "S2", "O", "c8"]),
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
)
NESTED = st.recursive(
    CELLS | ARRAYS,
    lambda some: st.one_of(
        st.lists(some, max_size=3),
        st.tuples(some, some),
        st.dictionaries(st.text(max_size=3) | st.integers(), some, max_size=3),
        st.sets(st.integers(), max_size=2),
    ),
    max_leaves=8,
)
NAMES = [None, Names(inputs=("a", "b"), long=True), Names(lines=True), Names(text="t", inputs=("a",) * 3)]


def test_data_of_any_kind() -> None:
    tally = Tally("data in memory")

    @hypothesis.settings(max_examples=size(2_000, 100_000), database=None, derandomize=True)
    @hypothesis.given(NESTED, st.sampled_from(NAMES))
    def one(data: Any, names: Names | None) -> None:
        try:
            found = handed(data, names)
        except rnncli.Error as error:
            tally.count(type(error).__name__ if len(str(error)) < 2000 else "too long")
        else:
            assert isinstance(found, Handed)
            tally.count("taken")

    one()
    assert not tally.outcomes["too long"]
    tally.end(at_least=1_000)
