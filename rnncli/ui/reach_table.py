"""A table of how far gradients reach, one row per layer: the half-life, the lag at which 1% is left, the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.inspection.reports import LayerGradients, Reach
from rnncli.ui.lag_chart import LEAST_WIDTH, VERDICTS
from rnncli.ui.results import three_digits, write_table

LOSS = "batch loss"  # of the batches looked at
FITTED = (
    "decay: what each step back multiplies the gradient by, fitted down to 1%; half-life: the steps in which it "
    "halves; > N: more than the N steps looked at; in brackets: 95% intervals over the sequences"
)
READ = (
    "; where attention or a pooling reads every step, decay is that through the recurrence, and the rest of all that "
    "comes back"
)


def fitted(layers: Sequence[LayerGradients]) -> str:
    """Return what the columns of these layers' table mean."""
    return FITTED + (READ if any(layer.reads_every_step for layer in layers) else "")


def write_reach(layers: Sequence[LayerGradients], firsts: Sequence[dict[str, str]], intervals: bool) -> None:
    """Write a table of how far each layer's gradient reaches, after the cells of `firsts`; names may be folded."""
    rows = reach_rows(layers, firsts, intervals)
    *_, memory, last, _verdict = rows[0]
    write_table(
        rows,
        figures=("decay", LOSS),
        whole=[name for name in rows[0] if name not in ("network", "layer")],
        styles=VERDICTS,
        least_width=LEAST_WIDTH,
        spare=(last, "decay", memory, LOSS),
    )


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
