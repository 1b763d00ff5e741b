"""How much memory a network's training needs, said before it is taken."""

from __future__ import annotations

import os

from rnncli.errors import ConfigError
from rnncli.kernels.cells import CELLS
from rnncli.models.network import NetworkShape

_COPIES = 8  # of the parameters: weights, gradient, two moments, the best, two packed forms, one being saved
_FLOAT = 4


def needed(shape: NetworkShape, T: int, B: int) -> int:
    """Bytes, within some percent, for training on windows of T steps × B sequences in float32."""
    cell, stack = CELLS[shape.cell], shape.stack
    gates, H = cell.gates * shape.hidden_size, shape.hidden_size
    directions = 2 if shape.bidirectional else 1
    sizes = [stack.first_size, *[stack.width] * (shape.num_layers - 1)]
    parameters = directions * sum(gates * (size + H + 2) for size in sizes) + shape.output_size * (stack.width + 1)
    parameters += shape.input_size * (shape.embedding_size or 0)
    arrays = directions * (gates * (2 if cell.keeps_recurrent_apart else 1) + H * (5 if cell.has_memory else 2))
    values = 2 * stack.first_size if stack.first_reads == "values" else 0
    steps = shape.num_layers * arrays + values + (1 if shape.pooling else shape.output_size)
    if shape.bidirectional:  # what is reversed and joined
        steps += 2 * stack.width * shape.num_layers + 2 * sum(sizes[1:]) + (values or 1)
    return _FLOAT * (_COPIES * parameters + T * B * steps)


def available() -> int:
    """Bytes of memory that this machine has, or could free."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def require_memory(shape: NetworkShape, T: int, B: int) -> None:
    """ConfigError where training cannot fit."""
    wanted, there = needed(shape, T, B), available()
    if wanted > there:
        raise ConfigError(
            f"model.hidden_size {shape.hidden_size:,} × {shape.num_layers} layers would need {_readable(wanted)}; "
            f"memory available {_readable(there)}; lower model.hidden_size, training.batch_size or training.bptt"
        )


def _readable(size: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:,.0f} TB"
