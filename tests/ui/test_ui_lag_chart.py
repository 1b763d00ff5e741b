"""The memory ruler, read back from its text: numbers, bars and the rule at 1%; and its SVG file."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import pytest
from gradient_reports import layer as measured_layer
from gradient_reports import powers, report
from rich.text import Text

from rnncli.inspection.reports import LayerGradients, StepJacobians
from rnncli.ui.lag_chart import Panel, chosen_lags, draw, lag_chart
from rnncli.ui.results import three_digits

EIGHTHS = " ▏▎▍▌▋▊▉█"
HOSTILE = "a\x1b[31m[bold]b[/x]"


def layer(*arguments: Any, **changes: Any) -> LayerGradients:
    """Without what its steps multiply by, which is one column less."""
    return measured_layer(*arguments, **{"jacobians": StepJacobians(0, (), (), (), 0.0), **changes})


def rows(text: Text) -> dict[int, str]:
    """By lag, the line after it."""
    found = (re.match(r" *(\d+) (.*)", line) for line in text.plain.split("\n"))
    return {int(one[1]): one[2] for one in found if one}


def bars(line: str) -> list[str]:
    """The bars of a line, with their rules."""
    return [bar for bar in re.split(r" {2,}| *[\d.e-]+ ", line.replace("∞", "9")) if set(bar) & set("┊█▒")]


def length(bar: str) -> int:
    """In eighths of a cell, without the rule."""
    return sum(EIGHTHS.index(cell) for cell in bar.replace("┊", ""))


def of_one(*norms: float) -> Text:
    return lag_chart(report(layer(norms)), 80)


def test_a_network_that_keeps_nine_tenths_of_it_every_step_has_515_thousandths_of_a_percent_after_50() -> None:
    shown = rows(of_one(*powers(0.9, 64, first=2.0)))
    assert shown[0].split()[:2] == ["2.00", "1.00"]
    assert shown[1].split()[:2] == ["1.80", "0.900"]
    assert shown[50].split()[:2] == ["0.0103", "0.00515"]


def test_the_lags_are_few_and_end_with_the_last() -> None:
    assert chosen_lags(1) == [0]
    assert chosen_lags(16) == list(range(16))
    assert chosen_lags(17) == [0, 1, 2, 3, 5, 7, 10, 15, 16]
    assert chosen_lags(351) == [0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 350]
    assert list(rows(of_one(*powers(0.9, 64)))) == [0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 63]


def test_bars_are_proportional_to_the_logarithm_between_the_rule_and_the_full_bar() -> None:
    shown = rows(of_one(*powers(0.9, 64)))
    full = bars(shown[0])[0]
    below, cells = full.index("┊"), len(full) - 1
    assert set(full) == {"█", "┊"}
    for lag, line in shown.items():
        # 1% stands at the rule and 1 at the end, two decades apart.
        expected = 8 * (below + (cells - below) * (math.log10(0.9**lag) + 2) / 2)
        assert abs(length(line.split(maxsplit=2)[2]) - expected) <= 0.51


def test_decay_is_a_straight_slope() -> None:
    shown = rows(of_one(*powers(0.8, 16)))
    lengths = [length(bars(shown[lag])[0]) for lag in range(16)]
    steps = {a - b for a, b in itertools.pairwise(lengths)}
    assert max(steps) - min(steps) <= 1
    assert min(steps) > 8


def test_growth_is_a_straight_slope_up_to_a_full_bar() -> None:
    shown = rows(of_one(*powers(1.9, 16)))
    lengths = [length(bars(shown[lag])[0]) for lag in range(16)]
    steps = {b - a for a, b in itertools.pairwise(lengths)}
    assert max(steps) - min(steps) <= 1
    assert lengths[-1] == 8 * (len(bars(shown[15])[0]) - 1)


@pytest.mark.parametrize("others", [(), (0.0003,), (1e-9, 0.5), (40.0,)])
def test_a_bar_passes_the_rule_exactly_where_more_than_one_percent_is_left(others: tuple[float, ...]) -> None:
    shown = rows(of_one(1.0, 0.0112, 0.0089, *others))
    above, below = (shown[lag].split(maxsplit=2)[2] for lag in (1, 2))
    assert above.partition("┊")[2]
    assert not below.partition("┊")[2]
    assert all(line.count("┊") == 1 for line in shown.values())
    without = (1.0, 0.0112, 0.0089, *others)
    shaded = rows(lag_chart(report(layer((1.0,) * len(without), without_attention_by_lag=without)), 80))
    assert shaded[1].rpartition("┊")[2]
    assert not shaded[2].rpartition("┊")[2]


def test_every_bar_begins_at_the_rule_where_more_than_one_percent_is_left_everywhere() -> None:
    assert all(bars(line)[0].startswith("┊█") for line in rows(of_one(1.0, 0.5, 0.25)).values())


def test_the_line_under_the_chart_says_what_the_scale_is() -> None:
    lines = of_one(1.0, 0.5, 4.0).plain.split("\n")
    assert "bars: logarithmic, empty up to 0.0100, full from 4.00; ┊ marks 1%" in lines


def test_two_layers_stand_side_by_side_and_a_third_below() -> None:
    three = [layer(powers(base, 12), number) for number, base in enumerate((0.9, 0.8, 0.7))]
    lines = lag_chart(report(*three), 80).plain.split("\n")
    assert lines[0].split("  ")[-1].strip() == "layer 1"
    assert lines[0].split()[:2] == ["layer", "0"]
    fifth = next(line for line in lines if line.split()[:1] == ["5"])
    assert fifth.split()[1] == three_digits(0.9**5)
    assert three_digits(0.8**5) in fifth.split()
    below = lines[lines.index("") + 1 :]
    assert below[0].strip() == "layer 2"
    assert next(line for line in below if line.split()[:1] == ["5"]).split()[1] == three_digits(0.7**5)


def test_bars_of_all_layers_have_one_scale() -> None:
    both = [layer(powers(0.5, 8), 0), layer((3.0, 1.5, 0.1), 1), layer((8.0, 2.0, 4.0), 2)]
    shown = lag_chart(report(*both), 80).plain.split("\n")
    halves = [bar for line in shown for bar in bars(line) if "0.500" in line]
    assert len(set(halves)) == 1
    assert len(halves) == 3


def test_a_shorter_layer_ends_earlier() -> None:
    shown = rows(lag_chart(report(layer(powers(0.9, 12), 0), layer(powers(0.9, 5), 1)), 80))
    assert [len(bars(line)) for line in shown.values()] == [2] * 5 + [1] * 7


def test_shares_without_attention_are_of_the_same_lag_0() -> None:
    one = layer((4.0, 2.0, 1.0), part="encoder", without_attention_by_lag=(2.0, 1.0, 0.2))
    text = lag_chart(report(one), 80)
    assert text.plain.split("\n")[0].strip() == "encoder layer 0"
    assert "without attention" in text.plain.split("\n")[1]
    shown = rows(text)
    assert [[cell for cell in line.split() if cell[0] in "0123456789"] for line in shown.values()] == [
        ["4.00", "1.00", "0.500"],
        ["2.00", "0.500", "0.250"],
        ["1.00", "0.250", "0.0500"],
    ]
    # The half of lag 1 with attention and that of lag 0 without: as long, in another shade.
    solid, shaded = bars(shown[1])[0], bars(shown[0])[1]
    assert set(shaded) == {"▒", "┊"}
    assert shaded.count("▒") == math.ceil(length(solid) / 8)


def test_what_is_zero_infinite_or_missing_is_shown_as_such() -> None:
    shown = rows(of_one(1.0, 0.0, math.inf, math.nan, 1e-300))
    assert shown[1].split()[:3] == ["0", "0", "┊"]
    assert shown[2].split()[:2] == ["∞", "∞"]
    assert length(shown[2].split()[2]) == length(shown[0].split()[2])
    assert shown[3].split() == ["–", "–", "┊"]
    assert shown[4].split()[:2] == ["1.00e-300", "1.00e-300"]


@pytest.mark.parametrize(
    "norms", [(0.0, 0.0), (math.inf, 1.0), (math.nan, math.nan), (5e-324, 1e308), (1e308, 5e-324), (1.0,)]
)
def test_any_norms_can_be_drawn(norms: tuple[float, ...]) -> None:
    lines = of_one(*norms).split("\n")
    assert max(line.cell_len for line in lines) <= 80
    assert len(rows(of_one(*norms))) == len(norms)


def test_nothing_is_left_to_share_of_no_gradient() -> None:
    assert [line.split() for line in rows(of_one(0.0, 0.0)).values()] == [["0", "–", "┊"]] * 2


@pytest.mark.parametrize("width", [72, 80, 100, 120])
def test_it_keeps_to_the_width(width: int) -> None:
    attended = {"part": "encoder", "reverse": True, "without_attention_by_lag": (1e-9,) * 700}
    wide = [measured_layer(powers(1.9, 700, first=1e-150), number, **attended) for number in range(3)]
    text = lag_chart(report(*wide, measured_layer(powers(0.3, 300), 3), measured_layer(powers(0.9, 30), 4)), width)
    assert max(line.cell_len for line in text.split("\n")) <= width
    names = [Panel("千" * 60 + HOSTILE, "healthy", (1.0, 0.5)) for _ in range(5)]
    drawn = draw([("千" * 90, names), ("b", names[:1])], width)
    assert max(line.cell_len for line in drawn.split("\n")) <= width
    assert drawn.plain.count("千") == 6 * 60 + 90
    assert "\x1b" not in drawn.plain


def test_colour_is_in_the_verdict_and_the_bars_alone() -> None:
    text = lag_chart(report(layer(powers(0.5, 12), verdict="vanishing"), layer(powers(1.0, 12), 1)), 80)
    styled = {(str(span.style), text.plain[span.start : span.end].strip()) for span in text.spans}
    assert ("yellow", "vanishing") in styled
    assert ("green", "healthy") in styled
    assert {style for style, _ in styled} <= {"yellow", "green", "cyan", "dim", "bold", ""}
