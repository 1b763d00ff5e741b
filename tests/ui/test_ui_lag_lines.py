"""Gradients by lag as lines: a straight slope for decay by one factor, names that stay apart, the width kept."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from gradient_reports import layer, powers, report

from rnncli.ui.lag_lines import HEIGHT, STYLES, draw_lines, lines

BRAILLE = range(0x2800, 0x2900)


def rows(curves, width=80):
    return draw_lines(curves, width).plain.split("\n")


def drawn(row):
    """The columns of a row that have dots."""
    return [i for i, character in enumerate(row) if ord(character) in BRAILLE]


@pytest.mark.parametrize("factor", [0.9, 0.95])
def test_the_same_factor_every_step_is_a_straight_line(factor):
    """0.9^k is at 1% after 44 of 64 lags: the line crosses the rule there."""
    picture = rows([("one", powers(factor, 65))])[:HEIGHT]
    lefts = [drawn(row)[0] for row in picture if drawn(row)]
    steps = {b - a for a, b in itertools.pairwise(lefts)}
    assert max(steps) - min(steps) <= 2
    rule = next(row for row in picture if "┄" in row)
    assert rule.lstrip().startswith("0.01│")
    cells = len(rows([("one", powers(factor, 65))])[HEIGHT].strip()) - 1
    crossing = math.log(0.01) / math.log(factor) / 64 * cells
    if crossing < cells:
        assert any(abs(column - 6 - crossing) <= 4 for column in drawn(rule))
    else:
        assert not drawn(rule)


def test_the_axis_says_its_powers_and_the_longest_lag():
    picture = rows([("one", powers(0.9, 301))])
    assert [row.split("│")[0].strip() for row in picture[:HEIGHT] if row.split("│")[0].strip()] == [
        *("1", "0.1", "0.01", "0.001", "1e-4", "1e-5", "1e-6")
    ]
    assert picture[HEIGHT + 1].split() == ["lag", "0", "150", "300"]
    assert rows([("one", powers(2.0, 11))])[0].startswith(" 1000│")  # 2^10 is 1024
    assert rows([("one", powers(2.0, 12))])[0].startswith("  1e4│")


def test_names_stand_at_the_ends_of_their_lines_and_apart():
    picture = rows([("rnn", powers(0.5, 40)), ("gru", powers(0.5, 40)), ("lstm", powers(0.99, 40))])
    places = {row.split()[-1]: number for number, row in enumerate(picture) if row.endswith(("rnn", "gru", "lstm"))}
    assert places["lstm"] < 4
    assert sorted([places["rnn"], places["gru"]]) == [HEIGHT - 2, HEIGHT - 1]
    text = draw_lines([("rnn", powers(0.5, 40)), ("lstm", powers(0.99, 40))], 80)
    assert {str(span.style) for span in text.spans} >= set(STYLES[:2])


@pytest.mark.parametrize("width", [72, 80, 120])
def test_whatever_the_numbers_are_it_keeps_to_the_width(width):
    odd = [
        ("a" * 100, (1.0, math.inf, math.nan, None, 0.0, 1e300, 1e-300)),
        ("one", (1.0,)),
        ("nothing", (0.0, 0.0)),
        *((f"layer {i}", powers(0.9, 600)) for i in range(20)),
    ]
    assert max(map(len, rows(odd, width))) <= width


def test_a_report_has_a_line_a_layer_and_one_for_what_depth_adds():
    lower = layer(powers(0.9, 20))
    lower = replace(lower, own_gradient_norm_by_lag=powers(0.5, 20), own_left_by_lag=powers(0.5, 20))
    encoder = layer(powers(1.0, 20), part="encoder", without_attention_by_lag=powers(0.5, 20))
    found = lines(report(lower, layer(powers(0.8, 20), 1), encoder))
    assert [name for name, _ in found] == [
        *("layer 0", "layer 0 with depth", "layer 1", "encoder layer 0", "encoder layer 0 alone")
    ]
    assert found[0][1] == powers(0.5, 20)
    assert found[1][1] == pytest.approx(powers(0.9, 20))
