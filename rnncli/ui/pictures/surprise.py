"""The picture of a text as a language model reads it: how surprising it was along its way, and its hardest passage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rnncli.tasks.language_model.surprise import Surprise
from rnncli.ui.pictures.canvas import BLUE, INK, ORANGE, figure_of, number_axis, plain, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 120  # means along the text
_COLUMNS, _ROWS = 72, 7  # characters of the passage that is written out
_WHOLE = 6.0  # nats from which a token is as dark as can be


def draw(found: Surprise) -> Figure:
    """Draw the mean nats per token along the text, beside the baseline's, and its most surprising passage."""
    figure, (course, passage) = figure_of(5.6, 2, height_ratios=(3, 2))
    _draw_course(course, found)
    _write(passage, found)
    return figure


def draw_course(found: Surprise) -> Figure:
    """Draw the mean nats per token along the text alone."""
    figure, (course,) = figure_of(3.2)
    _draw_course(course, found)
    return figure


def _draw_course(course: Axes, found: Surprise) -> None:
    width = max(1, -(-len(found.tokens) // _POINTS))
    places = [(i + 0.5) * width for i in range(-(-len(found.tokens) // width))]
    lines = (("network", found.network, BLUE), (found.baseline_name, found.baseline, ORANGE))
    values: list[float] = [0.0]
    for name, nats, colour in lines:
        means = _means(nats, width)
        values += means
        course.plot(places, means, color=colour, label=plain(name, 30))
    course.set_xlabel(f"token of the {found.split} split" + (f", {width:,} to a point" if width > 1 else ""))
    course.set_ylabel("nats per token")
    course.ticklabel_format(axis="x", style="plain")
    number_axis(course, values)
    titled(course, "How surprising the text was")


def _means(nats: Sequence[float], width: int) -> list[float]:
    return [sum(part) / len(part) for i in range(0, len(nats), width) if (part := nats[i : i + width])]


def _write(axes: Axes, found: Surprise) -> None:
    """Write the passage in which the mean of a screenful is highest, each token the darker the more it surprised."""
    from matplotlib.patches import Rectangle

    for row, column, text, shade in passage(found):
        axes.add_patch(Rectangle((column, row), len(text), 1, facecolor=ORANGE, alpha=0.75 * shade, linewidth=0))
        for i, character in enumerate(text):
            axes.text(column + i + 0.5, row + 0.5, character, ha="center", va="center", family="monospace", color=INK)
    axes.set(xlim=(0, _COLUMNS), ylim=(_ROWS, 0))
    axes.set_axis_off()
    axes.set_title(passage_title(found), fontsize=11)


def passage_title(found: Surprise) -> str:
    return f"The hardest passage, from token {_hardest(found) + 1:,}: the darker, the more surprising"


def _hardest(found: Surprise) -> int:
    """Return the number of the token with which the most surprising passage begins."""
    span = min(len(found.tokens), 120 if found.apart else _COLUMNS * _ROWS)
    sums = [0.0]
    for nats in found.network:
        sums.append(sums[-1] + nats)
    return max(range(len(found.tokens) - span + 1), key=lambda i: sums[i + span] - sums[i])


def passage(found: Surprise) -> Iterator[tuple[int, int, str, float]]:
    """Yield row, column, text and shade, from 0 to 1, of each token of the hardest passage."""
    for row, column, text, nats in _placed(found, _hardest(found)):
        yield row, column, text, min(1.0, nats / _WHOLE)


def _placed(found: Surprise, first: int) -> Iterator[tuple[int, int, str, float]]:
    """Yield row, column, text and nats of each token, broken into lines."""
    row = column = 0
    for token, nats in zip(found.tokens[first:], found.network[first:], strict=True):
        text = plain(token, _COLUMNS).replace("\\n", "↵") or "·"
        if column + len(text) > _COLUMNS:
            row, column = row + 1, 0
        if row == _ROWS:
            return
        yield row, column, text, nats
        column += len(text) + found.apart
