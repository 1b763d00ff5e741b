"""A chart of the gradient by lag: how much of it comes k steps back, as numbers and bars, as text.

Bars are logarithmic, so that decay by the same factor every step is a straight slope. The picture needs no colour.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnncli.errors import amount
from rnncli.inspection.reports import (
    BEST,
    EXPLODING,
    FAILURE,
    HEALTHY,
    INIT,
    LAST,
    MUCH,
    VANISHING,
    GradientReport,
    LayerGradients,
)
from rnncli.ui.axes import ENDS, FRAME, LogScale, log_scale
from rnncli.ui.numbers import figure
from rnncli.ui.output import narrowed, visible
from rnncli.ui.results import three_digits

if TYPE_CHECKING:
    from rich.text import Text

MOST_LAGS = 16  # rows in which every lag is shown
WEIGHTS = {INIT: "First weights", BEST: "Best weights", LAST: "Last weights", FAILURE: "Weights at the failure"}
LEADING = (1, 2, 3, 5, 7)  # further lags are 10, 15, 20, 30, 50, 70 and so on
DECADE = (10, 15, 20, 30, 50, 70)
LEAST_CELLS, MOST_CELLS = 8, 40  # limits of the length of a bar
COMPARED = 1e-4, MUCH  # ends of the bars of several networks, so that one that explodes does not flatten the others
LEAST_WIDTH, MOST_WIDTH = 40, 120
LEAST_DIGITS = 6  # least width of a column of numbers, so that its title has room
STEP_DIGITS = 6  # width of the column of step Jacobians, whose norms are near 1
GAP = 2  # spaces between columns
VERDICTS = {VANISHING: "yellow", EXPLODING: "red", HEALTHY: "green"}  # styles
WHAT = "norm: of dL_T/ds_(T−k), {}; left: that as a share of lag 0's of the same sequences"
WHAT_LEFT = "left: of dL_T/ds_(T−k), {}, as a share of lag 0's of the same sequences"
WHAT_GRADIENT = "the gradient of the last step's loss with respect to the state k steps before"
WHAT_STEP = "; step: ‖∂h_t/∂h_(t−1)‖, what the step that ends there multiplies a gradient by at most"
WHAT_MEMORY = "; the state is (h, c), and at lag 0 nothing has come to c yet"
WHAT_OWN = (
    "; of a layer below others these are of what comes back through its own recurrence alone; with depth: what is left "
    "together with what comes back through the layers above, which is no memory of its own"
)
WHAT_ENCODER = "; an encoder's lags are counted from the end of what it reads"
WHAT_WITHOUT = "; without attention: what would be left of lag 0 if attention passed nothing back"
DEPTH, NO_ATTENTION = "with depth", "without attention"

Shares = Sequence[float | None]
Piece = tuple[str, str]  # (text, style)


@dataclass(frozen=True)
class Panel:
    """One panel of the chart: a column of shares by lag with their bars, whose title is the verdict.

    The columns `norms` and `steps` (norms of the step Jacobians) come before it, and after it other shares with bars of
    their own, `beside`, under their title `about`, where given.
    """

    title: str
    verdict: str
    shares: Shares
    norms: Shares | None = None
    steps: Shares | None = None
    beside: Shares | None = None
    about: str = ""


@dataclass(frozen=True)
class Layout:
    """The layout that all panels of a chart have in common: widths in cells, and the scale of the bars."""

    lag: int
    digits: int
    scale: LogScale

    def width(self, panel: Panel) -> int:
        return _fixed(panel, self.digits) + _bars(panel) * self.scale.cells


def panels(report: GradientReport) -> list[Panel]:
    """Return one panel per layer, or one per direction of a bidirectional layer."""
    return [
        Panel(
            layer.name,
            layer.reach.verdict,
            layer.memory_by_lag,
            layer.state_gradient_norm_by_lag if layer.reads_every_step else layer.own_gradient_norm_by_lag,
            _measured(layer.jacobians.hidden_norm),
            *(beside(layer) or (None, "")),
        )
        for layer in report.layers
    ]


def beside(layer: LayerGradients) -> tuple[Shares, str] | None:
    """Return the shares to show beside those that the verdict goes by, and their title; None if there are none."""
    if layer.left_without_attention is not None:
        return layer.left_without_attention, NO_ATTENTION
    return (layer.left_by_lag, DEPTH) if layer.memory_by_lag != layer.left_by_lag else None


def _measured(values: Shares) -> Shares | None:
    return values if any(value is not None for value in values) else None


def chosen_lags(count: int) -> list[int]:
    """Return the lags of 0 to `count` − 1 that are shown: every lag if they are few, else ever fewer up to the last."""
    if count <= MOST_LAGS:
        return list(range(count))
    further = (step * 10**decade for decade in itertools.count() for step in DECADE)
    return [0, *LEADING, *itertools.takewhile(lambda lag: lag < count - 1, further), count - 1]


def heading(report: GradientReport) -> str:
    """Return one line on the report: its weights, loss, sequences and batches."""
    return f"{WEIGHTS[report.at]}: loss {figure(report.loss)} {report.unit}, {looked_at(report)}"


def looked_at(report: GradientReport) -> str:
    """Return how many sequences and batches were looked at."""
    return f"{amount(report.sequences, 'sequence')} in {amount(report.batches, 'batch', 'batches')}"


def lag_chart(report: GradientReport, width: int) -> Text:
    """Return the charts of all layers in lines of at most `width` cells, with their explanation below; see `draw`."""
    shown = _with_room(panels(report), width)
    text = draw([("", shown)], width)
    what = (WHAT_LEFT if shown[0].norms is None else WHAT).format(WHAT_GRADIENT)
    what += WHAT_STEP if any(panel.steps is not None for panel in shown) else ""
    if any(layer.gradient_norm_by_lag != layer.state_gradient_norm_by_lag for layer in report.layers):
        what += WHAT_MEMORY
    if any(title == DEPTH for _, title in filter(None, map(beside, report.layers))):
        what += WHAT_OWN
    if any(layer.part == "encoder" for layer in report.layers):
        what += WHAT_ENCODER
    what += WHAT_WITHOUT if any(layer.without_attention_by_lag for layer in report.layers) else ""
    return text.append("\n" + "\n".join(folded(what, width)), style=FRAME)


def draw(groups: Sequence[tuple[str, Sequence[Panel]]], width: int, ends: tuple[float, float] = ENDS) -> Text:
    """Draw groups of (title, panels) in order, panels side by side where they fit, all bars on one scale within `ends`.

    Lines are at most `width` cells wide, for a width of LEAST_WIDTH or more; the last lines explain the scale.
    """
    from rich.text import Text

    every = [panel for _, members in groups for panel in members]
    lag, digits = _widths(every)
    blocks = [(title, list(_blocks(members, digits, width - lag))) for title, members in groups]
    room = min(_cells_each(block, digits, width - lag) for _, members in blocks for block in members)
    shown = (v for panel in every for part in (panel.shares, panel.beside or ()) for v in _shown(part))
    layout = Layout(lag, digits, log_scale(shown, max(1, min(MOST_CELLS, room)), ends))
    text = Text(no_wrap=True, overflow="crop")
    for title, members in blocks:
        for line in folded(title, width):
            text.append(line + "\n", style="bold")
        for block in members:
            for pieces in _lines(block, layout):
                text.append_text(_line(pieces))
            text.append("\n")
    return text.append("\n".join(folded(layout.scale.legend, narrowed(width))), style=FRAME)


def _with_room(members: Sequence[Panel], width: int) -> list[Panel]:
    """Return the panels, all without their steps and then their norms where a line has no room for them; JSON has
    all."""
    found = list(members)
    for less in (lambda panel: replace(panel, steps=None), lambda panel: replace(panel, norms=None)):
        lag, digits = _widths(found)
        if all(_cells_each([panel], digits, width - lag) >= LEAST_CELLS for panel in found):
            break
        found = list(map(less, found))
    return found


def _widths(every: Sequence[Panel]) -> tuple[int, int]:
    """Return the width of the column of lags, and that of numbers."""
    lag = max([len("lag"), *(len(str(len(panel.shares) - 1)) for panel in every)]) + 1
    return lag, max([LEAST_DIGITS, *(len(three_digits(v)) for panel in every for v in _numbers(panel))])


def _columns(panel: Panel) -> Iterator[Shares]:
    yield from (part for part in (panel.norms, panel.shares, panel.beside) if part is not None)


def _shown(values: Shares) -> list[float | None]:
    return [values[lag] for lag in chosen_lags(len(values))]


def _numbers(panel: Panel) -> Iterator[float | None]:
    for part in _columns(panel):
        yield from _shown(part)


def _bars(panel: Panel) -> int:
    return 1 if panel.beside is None else 2


def _fixed(panel: Panel, digits: int) -> int:
    """Return the width of `panel` in cells without its bars; the space before each bar and its rule are included."""
    steps = 0 if panel.steps is None else GAP + STEP_DIGITS
    return (GAP + digits) * len(list(_columns(panel))) + steps + 2 * _bars(panel)


def _cells_each(block: Sequence[Panel], digits: int, width: int) -> int:
    """Return the number of cells that each bar can have with these panels side by side."""
    return (width - sum(_fixed(panel, digits) for panel in block)) // sum(map(_bars, block))


def _blocks(members: Sequence[Panel], digits: int, width: int) -> Iterator[list[Panel]]:
    """Yield blocks of panels that fit side by side, with the shortest bars if need be."""
    block = list[Panel]()
    for panel in members:
        if block and _cells_each([*block, panel], digits, width) < LEAST_CELLS:
            yield block
            block = []
        block.append(panel)
    yield block


def _lines(block: Sequence[Panel], layout: Layout) -> Iterator[list[Piece]]:
    """Yield the lines of a block: titles, the names of the columns, and one row per lag."""
    heads = [folded(panel.title, layout.width(panel) - GAP) for panel in block]
    for row in range(-max(map(len, heads)), 0):
        titles = (head[row] if -row <= len(head) else "" for head in heads)
        yield [(" " * layout.lag, "")] + [
            (_padded(" " * GAP + title, layout.width(panel)), "bold")
            for title, panel in zip(titles, block, strict=True)
        ]
    yield [("lag".rjust(layout.lag), FRAME), *(piece for panel in block for piece in _names(panel, layout))]
    for lag in sorted({lag for panel in block for lag in chosen_lags(len(panel.shares))}):
        cells = (piece for panel in block for piece in _cells(panel, lag, layout))
        yield [(str(lag).rjust(layout.lag), FRAME), *cells]


def _names(panel: Panel, layout: Layout) -> Iterator[Piece]:
    if panel.norms is not None:
        yield "norm".rjust(GAP + layout.digits), FRAME
    if panel.steps is not None:
        yield "step".rjust(GAP + STEP_DIGITS), FRAME
    yield "left".rjust(GAP + layout.digits), FRAME
    yield f" {panel.verdict:<{layout.scale.cells + 1}}", VERDICTS.get(panel.verdict, FRAME)
    if panel.beside is not None:
        yield " " * GAP + f"{panel.about:<{layout.digits + layout.scale.cells + 2}}", FRAME


def _cells(panel: Panel, lag: int, layout: Layout) -> Iterator[Piece]:
    if lag >= len(panel.shares):
        yield " " * layout.width(panel), ""
        return
    for part in _columns(panel):
        yield three_digits(part[lag]).rjust(GAP + layout.digits), ""
        if part is panel.norms and panel.steps is not None:
            yield three_digits(panel.steps[lag]).rjust(GAP + STEP_DIGITS), ""
        if part is not panel.norms:
            yield " ", ""
            yield from layout.scale.bar(part[lag], shaded=part is panel.beside)


def _line(pieces: Iterable[Piece]) -> Text:
    from rich.text import Text

    line = Text.assemble(*pieces)
    line.rstrip()
    return line.append("\n")


def folded(text: str, width: int) -> list[str]:
    """Return `text` from data in lines of at most `width` cells, broken between words where possible."""
    from rich.cells import chop_cells

    return [line for words in textwrap.wrap(visible(text), width) for line in chop_cells(words, width)]


def _padded(text: str, width: int) -> str:
    from rich.cells import set_cell_size

    return set_cell_size(text, width)
