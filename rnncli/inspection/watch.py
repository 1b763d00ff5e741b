"""The memory ruler's summary during training, always of the same batch. Training goes on as if nobody had looked."""

from __future__ import annotations

from rnncli.inspection import ruler
from rnncli.inspection.reports import layer_name
from rnncli.inspection.ruler import Readings
from rnncli.training.loop import Learner
from rnncli.training.reports import Memory


def watched(learner: Learner) -> tuple[Memory, ...]:
    """How far back gradients reach in each layer at present."""
    driver = learner.backpropagation
    sample = learner.sample(0)
    readings = [Readings(strand) for strand in driver.network.strands(sample.work)]
    ruler.measure(driver, sample, readings)
    return tuple(_memory(one) for one in readings)


def _memory(readings: Readings) -> Memory:
    strand, reach = readings.strand, ruler.reach(readings.state)
    name = layer_name(strand.part, strand.layer.index, reverse=strand.layer.reverse)
    longest = max(len(norms) for norms in readings.state) - 1
    return Memory(name, longest, reach.half_life, reach.memory_1_percent, reach.left, reach.verdict)
