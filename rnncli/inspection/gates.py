"""Activity of gates along the data: means, how often values are near an end of their range, units that never fire."""

from __future__ import annotations

import numpy as np

from rnncli.inspection.reports import NEAR_END, GateActivity
from rnncli.kernels.cells.rnn import IDENTITY, RELU, TANH
from rnncli.nn.recurrent import LayerTrace


class GateCounts:
    """Sums of the gate values of one layer trace over the batches; see `GateActivity`."""

    def __init__(self, trace: LayerTrace):
        cell, self.trace = trace.layer.cell, trace
        self.values, self.sums = 0, np.zeros(cell.gates)
        self.low, self.high = np.zeros(cell.gates, int), np.zeros(cell.gates, int)
        self.fired = np.zeros((cell.gates, trace.layer.H), bool)

    def take(self, trace: LayerTrace) -> None:
        """Add the gate values that a forward pass left in the trace."""
        for g, values in enumerate(_activations(trace)):
            low, high = self._ends(g)
            with np.errstate(over="ignore", invalid="ignore"):  # the values of a diverged network may overflow
                self.sums[g] += values.sum()
            self.low[g] += int((values < low).sum())
            self.high[g] += int((values > high).sum())
            self.fired[g] |= (values != 0).any(axis=0)
        self.values += int(trace.lengths.sum()) * trace.layer.H

    def _ends(self, g: int) -> tuple[float, float]:
        cell = self.trace.layer.cell
        signed = cell.gate_names[g] in cell.signed or self._activation == TANH
        return (NEAR_END - 1 if signed else NEAR_END), 1 - NEAR_END

    @property
    def _activation(self) -> int | None:
        """The activation of a cell without gates; None for gated cells."""
        layer = self.trace.layer
        return None if layer.cell.is_gated else layer.activation

    def report(self, name: str) -> list[GateActivity]:
        layer, count = self.trace.layer, max(self.values, 1)
        bounded = self._activation not in (RELU, IDENTITY)
        return [
            GateActivity(
                name,
                gate,
                float(self.sums[g] / count),
                float(self.low[g] / count) if bounded else None,
                float(self.high[g] / count) if bounded else None,
                int((~self.fired[g]).sum()) if self._activation == RELU else None,
                layer.H,
            )
            for g, gate in enumerate(layer.cell.gate_names)
        ]


def _activations(trace: LayerTrace) -> list[np.ndarray]:
    """Return the values (N, H) of each gate over the steps of all sequences; a cell without gates has them in h."""
    work, cell, H = trace.work, trace.layer.cell, trace.layer.H
    values = work.a if cell.is_gated else work.h[1:]
    within = np.arange(len(values))[:, None] < trace.lengths
    return [values[..., g * H : (g + 1) * H][within] for g in range(cell.gates)]
