"""Checks of gradients that end in exit code 7."""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.errors import CheckFailedError
from rnncli.inspection.reports import EXPLODING, VANISHING, Compared, LayerGradients, by_part, deepest


def check_gradients(compared: Sequence[Compared], fail_on: Sequence[str]) -> None:
    """CheckFailedError where gradients are not what differences say, or a layer's verdict is one of `fail_on`."""
    for one in compared:
        name, report = one.name, one.report
        if report.check is not None and not report.check.passed:
            worst = report.check.worst
            raise CheckFailedError(
                f"{name}: the gradient of {worst.name} is {worst.error:.2g} away from central differences, more than "
                f"{report.check.tolerance:g}; report it"
            )
        found = [layer for layers in by_part(report.layers) for layer in _failing(layers, fail_on)]
        if found:
            said = ", ".join(f"{layer.name} is {layer.reach.verdict}" for layer in found)
            raise CheckFailedError(f"{name}: {said}; see what inspect-grads advises")


def _failing(layers: Sequence[LayerGradients], fail_on: Sequence[str]) -> list[LayerGradients]:
    """Of a part of a network: layers that explode; and those that vanish, if the gradient has no other way back."""
    bad = [layer for layer in layers if EXPLODING in fail_on and layer.reach.verdict == EXPLODING]
    if VANISHING in fail_on and deepest(layers).reach.verdict == VANISHING:
        bad += [layer for layer in layers if layer.reach.verdict == VANISHING]
    return bad
