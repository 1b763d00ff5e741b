"""A table of how far gradients reach, one row per layer: the half-life, the lag at which 1% is left, the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.inspection.reports import LayerGradients, Reach
from rnncli.ui.lag_chart import LEAST_WIDTH, VERDICTS
from rnncli.ui.results import three_digits, write_table

LOSS = "batch loss"  # of the batches looked at
DECAY = "decay: what each step back multiplies the gradient by, fitted down to 1%"
HALF_LIFE = "half-life: the steps in which the gradient halves"
BEYOND = "> N: more than the N steps looked at"
INTERVALS = "in brackets: 95% intervals over the sequences"
READ = (
    "where attention or a pooling reads every step, decay is that through the recurrence, and the rest of all that "
    "comes back"
)


def write_reach(layers: Sequence[LayerGradients], firsts: Sequence[dict[str, str]], intervals: bool) -> str:
    """Write a table of how far each layer's gradient reaches, after the cells of `firsts`, whose names may be folded;
    return what it shows means."""
    rows = reach_rows(layers, firsts, intervals)
    *_, half_life, memory, last, _verdict = rows[0]
    left_out = write_table(
        rows,
        figures=("decay", LOSS),
        whole=[name for name in rows[0] if name not in ("network", "layer")],
        styles=VERDICTS,
        least_width=LEAST_WIDTH,
        spare=(last, "decay", memory, LOSS),
    )
    columns = rows[0].keys() - left_out
    lags = [row[name] for row in rows for name in columns & {half_life, memory}]
    meant = {
        DECAY: "decay" in columns,
        HALF_LIFE: True,
        BEYOND: any(">" in lag for lag in lags),
        INTERVALS: any("(" in lag for lag in lags),
        READ: "decay" in columns and any(layer.reads_every_step for layer in layers),
    }
    return "; ".join(meaning for meaning, told in meant.items() if told)


def reach_rows(
    layers: Sequence[LayerGradients], firsts: Sequence[dict[str, str]], intervals: bool
) -> list[dict[str, str]]:
    """Return the rows of the table."""
    judged = {layer.reach.judged for layer in layers}
    last = f"left at {judged.pop()}" if len(judged) == 1 else "left at end"
    return [
        first
        | {
            "half-life": _half_life(layer.reach, intervals),
            "1% left after" if intervals else "1% after": _memory(layer.reach, intervals),
            last: three_digits(layer.reach.left),
            "verdict": layer.reach.verdict,
        }
        for first, layer in zip(firsts, layers, strict=True)
    ]


def _half_life(reach: Reach, interval: bool) -> str:
    if reach.decay is None:
        return "–"
    if reach.half_life is None and reach.half_life_above is None:
        return "does not fall"
    value = f"> {reach.longest}" if reach.half_life is None else three_digits(reach.half_life)
    ends = reach.half_life_interval
    if not interval or ends is None or ends == (None, None):
        return value
    low, high = (f">{reach.longest}" if end is None else three_digits(end) for end in ends)
    return f"{value} ({low}–{high})"


def _memory(reach: Reach, interval: bool) -> str:
    if reach.left is None:
        return "–"
    value = f"> {reach.longest}" if reach.memory_1_percent is None else str(reach.memory_1_percent)
    ends = reach.memory_interval
    if not interval or ends is None or ends == (None, None):
        return value
    low, high = (f">{reach.longest}" if end is None else str(end) for end in ends)
    return f"{value} ({low}–{high})"
