"""The picture of a training, or of several: the loss on the training data and on validation, update by update."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from math import isfinite, nan
from typing import TYPE_CHECKING

from rnncli.training.curves import Curve, caution
from rnncli.ui.pictures.canvas import (
    BLUE,
    INK,
    ORANGE,
    SOFT,
    WIDTH,
    figure_of,
    headed,
    number_axis,
    plain,
    styles,
    titled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STEEP = 30.0  # ratio of the largest loss to the smallest from which the axis is logarithmic


def draw(curves: Sequence[Curve]) -> Figure:
    """Draw the losses of one run, or a line for each of several; under them the figure that scores print, if any has
    one and none has another: figures that are not alike have no axis in common."""
    names = {curve.figure[0] for curve in curves if curve.figure is not None}
    figure, places = figure_of(*((6.2, 2) if len(names) == 1 else (4.4, 1)), sharex=True)
    held_out = any(isfinite(value) for curve in curves for value in curve.valid)
    titles = ["validation loss" if len(curves) > 1 and held_out else "loss", *_common(curve.unit for curve in curves)]
    kinds = _common(curve.loss for curve in curves)
    places[0].set_ylabel("\n".join(plain(title, 40) for title in (", ".join(titles), *kinds)))
    if len(curves) == 1:
        drawn = _draw_one(places[0], curves[0])
        titled(places[0], f"Training of {curves[0].name}")
    else:
        drawn = _draw_several(places[0], curves)
        headed(figure, f"Training of {len(curves)} runs", places[0])
    _scale(places[0], drawn)
    if told := caution(curves):
        lines = textwrap.wrap(told.capitalize(), 80 if figure.get_figwidth() >= WIDTH else 54)
        places[0].set_title("\n".join(lines), fontsize=10, fontweight="normal")
    if len(names) == 1:
        _draw_figures(places[1], curves, *names)
    places[-1].set_xlabel("updates")
    places[-1].ticklabel_format(axis="x", style="plain")
    return figure


def _common(texts: Iterable[str]) -> list[str]:
    """Return what all texts that are not empty are; nothing where they differ."""
    found = list(dict.fromkeys(filter(None, texts)))
    return found if len(found) == 1 else []


def _draw_one(axes: Axes, curve: Curve) -> list[float]:
    """Draw both losses of a run, and return them."""
    train = _whole(curve)
    axes.plot(curve.steps, train, color=SOFT, linestyle="--", label="training")
    if any(map(isfinite, curve.valid)):
        axes.plot(curve.steps, curve.valid, color=BLUE, label="validation")
    if curve.best is not None and (value := curve.kept) is not None:
        axes.plot(
            curve.steps[curve.best],
            value,
            "o",
            markersize=7,
            color=ORANGE,
            markeredgecolor=INK,
            label=f"kept: {value:.4g}",
        )
    return [*train, *curve.valid]


def _draw_several(axes: Axes, curves: Sequence[Curve]) -> list[float]:
    """Draw the validation loss of each run, or its training loss where nothing was held out, and return them."""
    drawn: list[float] = []
    for curve, style in zip(curves, styles(len(curves)), strict=True):
        held_out = any(map(isfinite, curve.valid))
        losses = curve.valid if held_out else _whole(curve)
        name = plain(curve.name, 40) if held_out else f"{plain(curve.name, 40)} (training)"
        axes.plot(curve.steps, losses, label=name, **style)
        drawn += losses
    return drawn


def _draw_figures(axes: Axes, curves: Sequence[Curve], name: str) -> None:
    """Draw the figure of this name of each run that has it."""
    drawn: list[float] = []
    for curve, style in zip(curves, styles(len(curves)), strict=True):
        if curve.figure is not None:
            axes.plot(curve.steps, curve.figure[1], **style)
            drawn += curve.figure[1]
    number_axis(axes, drawn, most=4)
    axes.set_ylabel(plain(name, 30))


def _whole(curve: Curve) -> Sequence[float]:
    """Return the training losses but a last one that is a mean over much fewer updates than those before: over a few
    of the data, such as the easy ones at their end, it seems to leap."""
    if len(curve.steps) < 3 or curve.steps[-1] - curve.steps[-2] > (curve.steps[-2] - curve.steps[-3]) / 2:
        return curve.train
    return (*curve.train[:-1], nan)


def _scale(axes: Axes, values: Sequence[float]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    known = [value for value in values if isfinite(value)]
    if known and min(known) > 0 and max(known) > _STEEP * min(known):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
        axes.yaxis.set_minor_locator(NullLocator())  # whose labels would be in TeX
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        number_axis(axes, known)
