"""The picture of the gradient by lag: how much of lag 0 is left k steps back, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnncli.inspection.reports import Compared, GradientReport, LayerGradients
from rnncli.ui.axes import ONE_PERCENT
from rnncli.ui.comparison_tables import deepest_layers, grouped, line_name
from rnncli.ui.lag_chart import WEIGHTS, Shares, beside
from rnncli.ui.pictures.canvas import SOFT, dots, figure_of, headed, plain, styles, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEAST, _MOST = 1e-6, 1e6  # of the axis: what is beyond tells no more
Line = tuple[str, Shares, bool]  # its name, the share left by lag, True to draw it thin


def draw(report: GradientReport) -> Figure:
    """Draw a line for each layer, and thin ones for what would be left without attention, or is with depth."""
    figure, (axes,) = figure_of(4.6)
    lines: list[Line] = []
    for layer in report.layers:
        lines.append((f"{layer.name}: {_reach(layer)}", layer.memory_by_lag, False))
        if (other := beside(layer)) is not None:
            shares, what = other
            lines.append((f"{layer.name}, {what}", shares, True))
    _draw_lines(axes, lines, styles(len(lines)))
    titled(axes, f"Gradient by lag, {WEIGHTS[report.at].lower()}")
    return figure


def draw_compared(compared: Sequence[Compared]) -> Figure:
    """Draw a panel for each group, such as before and after training, with a line for each network.

    Each panel has a legend of its own, as another layer may remember most after training, and a network that diverged
    is not in it. A network has one colour in all panels.
    """
    groups = grouped(compared)
    keys = dict.fromkeys((one.name, layer.part) for one in compared for layer in deepest_layers(one))
    looks = dict(zip(keys, styles(len(keys)), strict=True))
    height = 3.2 + 0.2 * len(keys)  # of long names a legend has a line for each
    figure, places = figure_of(0.8 + height * len(groups), len(groups), sharex=True, sharey=True)
    for axes, (title, members) in zip(places, groups, strict=True):
        networks = [(one, layer) for one in members for layer in deepest_layers(one)]
        lines = [(line_name(one, layer), layer.memory_by_lag, False) for one, layer in networks]
        _draw_lines(axes, lines, [looks[one.name, layer.part] for one, layer in networks])
        titled(axes, title.capitalize())
    for axes in places[:-1]:
        axes.set_xlabel("")
    headed(figure, "Gradient by lag, of the layer that remembers most")
    return figure


def _reach(layer: LayerGradients) -> str:
    """Return the verdict of a layer with its half-life in words."""
    reach = layer.reach
    if reach.half_life is not None:
        return f"{reach.verdict}, halves in {reach.half_life:.3g} steps"
    if reach.half_life_above is not None:
        return f"{reach.verdict}, halves in over {reach.half_life_above:,} steps"
    return reach.verdict


def _draw_lines(axes: Axes, lines: Sequence[Line], looks: Iterable[Mapping[str, Any]]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    longest = 1
    shown: list[float] = [1.0, ONE_PERCENT]
    for (name, shares, thin), style in zip(lines, looks, strict=True):
        left = [share if share is not None and share > 0 else math.nan for share in shares]
        shown += [share for share in left if _LEAST <= share <= _MOST]
        axes.plot(
            range(len(left)), left, label=plain(name, 60), **style, **dots(len(left)), linewidth=1.0 if thin else 1.8
        )
        longest = max(longest, len(left) - 1)
    axes.set_yscale("log")
    axes.set_ylim(min(shown) / 1.6, max(shown) * 1.6)
    axes.axhline(ONE_PERCENT, color=SOFT, linewidth=1.0, linestyle=(0, (2, 2)))
    axes.set_xlim(0, longest * 1.02)
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _percent(value)))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_xlabel("lag: steps back from the loss")
    axes.set_ylabel("left of the gradient at lag 0")


def _percent(share: float) -> str:
    return f"{100 * share:,.0f}%" if share >= 0.01 else f"{100 * share:.6f}".rstrip("0") + "%"
