"""How much memory a network's training needs, said before it is taken."""

from __future__ import annotations

import os

from rnncli.errors import ConfigError
from rnncli.kernels.cells import CELLS
from rnncli.nn.encoder_decoder import PairShape
from rnncli.nn.network import NetworkShape
from rnncli.nn.segments import SegmentShape
from rnncli.nn.stack import StackShape
from rnncli.nn.words import spelling_shape

_COPIES = 8  # of the parameters: weights, gradient, two moments, the best, two packed forms, one being saved
_FLOAT = 4
_LETTERS = 10  # of a word, about


def _stack(shape: StackShape) -> tuple[int, int]:
    """Of a stack: its parameters, and its values for each step of a sequence."""
    cell, H = CELLS[shape.cell], shape.hidden_size
    gates = cell.gates * H
    directions = 2 if shape.bidirectional else 1
    sizes = [shape.first_size, *[shape.width] * (shape.num_layers - 1)]
    parameters = directions * sum(gates * (size + H + 2) + cell.own_rows * H for size in sizes)
    parameters += shape.input_size * shape.first_size if shape.embedded else 0
    arrays = directions * H * (sum(cell.saved.values()) + 2 * len(cell.state_names))
    values = 2 * shape.first_size if shape.reads_values else 0
    steps = shape.num_layers * arrays + values
    if shape.bidirectional:  # what is reversed and joined
        steps += 2 * shape.width * shape.num_layers + 2 * sum(sizes[1:]) + (values or 1)
    return parameters, steps


def needed(shape: NetworkShape, T: int, B: int) -> int:
    """Bytes, within some percent, for training on windows of T steps × B sequences in float32."""
    parameters, steps = _stack(shape.stack)
    parameters += shape.output_size * (shape.stack.width + 1)
    if shape.characters:
        spelling, letters = _stack(spelling_shape(shape.cell, shape.characters, shape.character_size))
        parameters += spelling + shape.input_size * (shape.embedding_size or 0)
        steps += _LETTERS * letters
    steps += 1 if shape.pooling else shape.output_size
    return _FLOAT * (_COPIES * parameters + T * B * steps)


def needed_for_pairs(shape: PairShape, S: int, T: int, B: int) -> int:
    """Bytes, within some percent, for training on S source and T target steps of B pairs in float32."""
    H, L, outputs = shape.hidden_size, shape.num_layers, shape.target_size + 1
    encoder, source_steps = _stack(shape.encoder) if shape.encodes else (0, 0)
    decoder, target_steps = _stack(shape.decoder)
    F = shape.encoder.width if shape.encodes else shape.source_size
    parameters = encoder + decoder + L * H * (F + 1) + outputs * (H + 1)
    scores = 0
    if shape.attention:
        A = F if shape.attention == "dot" else H
        parameters += A * H + H * (H + F + 1) + (A * (F + 1) if shape.attention == "additive" else 0)
        target_steps += 2 * A + 2 * (H + F) + H
        source_steps += 2 * A if shape.attention == "additive" else 0
        scores = 2 * S * T
    return _FLOAT * (_COPIES * parameters + B * (S * source_steps + T * (target_steps + H + outputs) + scores))


def needed_for_segments(shape: SegmentShape, S: int, B: int) -> int:
    """Bytes, within some percent, for training on S segments of B windows in float32."""
    H, w, M = shape.hidden_size, shape.segment, shape.segments
    (encoder, read), (decoder, said) = _stack(shape.encoder), _stack(shape.decoder)
    parameters = encoder + decoder + H * (w * shape.input_size + w * shape.output_size + M + shape.channels)
    steps = S * (read + w * shape.input_size) + M * (said + w * shape.output_size)
    return _FLOAT * (_COPIES * parameters + B * steps)


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
    _require(needed(shape, T, B), shape)


def require_memory_for_pairs(shape: PairShape, S: int, T: int, B: int) -> None:
    """ConfigError where training cannot fit."""
    _require(needed_for_pairs(shape, S, T, B), shape)


def require_memory_for_segments(shape: SegmentShape, S: int, B: int) -> None:
    """ConfigError where training cannot fit."""
    _require(needed_for_segments(shape, S, B), shape)


def _require(wanted: int, shape: NetworkShape | PairShape | SegmentShape) -> None:
    there = available()
    if wanted > there:
        lower = "model.hidden_size, training.batch_size or training.bptt"
        if isinstance(shape, NetworkShape) and shape.characters:
            lower = f"model.character_size, {lower}"
        raise ConfigError(
            f"model.hidden_size {shape.hidden_size:,} × {shape.num_layers} layers would need {_readable(wanted)}; "
            f"memory available {_readable(there)}; lower {lower}"
        )


def _readable(size: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:,.0f} TB"
