"""Output of inspect-grads: the gradient by lag and what explains it on a terminal, or the numbers as JSON or CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rnncli.inspection.reports import (
    NEAR_END,
    RULE,
    Advice,
    Clipping,
    GateActivity,
    GradientCheck,
    GradientReport,
    LayerGradients,
    ParameterGradient,
)
from rnncli.ui.axes import FRAME
from rnncli.ui.lag_chart import LEAST_WIDTH, MOST_WIDTH, heading, lag_chart
from rnncli.ui.lag_lines import draw_lines, lines
from rnncli.ui.output import Output, say, say_on
from rnncli.ui.reach_table import write_reach
from rnncli.ui.results import as_csv, rounded, three_digits, write_table

if TYPE_CHECKING:
    from rich.console import Console

MEANINGS = {  # meanings of the columns of parameters
    "|grad|": "|x|: the norm of x",
    "update": "update: the norm of the optimizer's next step over that of the weights",
    "zeros": "zeros: the share of the gradient that is 0",
    "s/n": "s/n: signal over noise from batch to batch",
}
TO_DROP = ("zeros", "|weight|", "s/n", "shape", "update")  # columns of parameters without room, in this order
ARROW = "→ "  # before an advice


def write_gradients(report: GradientReport, form: str | None) -> None:
    """Write the report as `form`, table, plot, csv or json; None is a table on a terminal and CSV in a pipe."""
    out = Output()
    form = form or ("table" if out.terminal else "csv")
    if form == "json":
        out.write(json.dumps(rounded(as_json(report)), ensure_ascii=False) + "\n")
    elif form == "csv":
        out.write(as_csv(lag_rows(report)))
    else:
        _write_tables(report, plot=form == "plot")
    if report.check is not None and form in ("csv", "json"):
        say(check_sentence(report.check))


def as_json(report: GradientReport) -> dict[str, Any]:
    """Return the report as the JSON object that inspect-grads promises; every key is always there."""
    return {
        "at": report.at,
        "loss": report.loss,
        "unit": report.unit,
        "sequences": report.sequences,
        "batches": report.batches,
        "lags": list(report.lags),
        "layers": [_layer_object(layer) for layer in report.layers],
        "parameters": [asdict(parameter) for parameter in report.parameters],
        "gates": [asdict(gate) for gate in report.gates],
        "clip": asdict(report.clip),
        "rule": RULE,
        "advice": list(map(str, report.advice)),
        "check": None if report.check is None else _check_object(report.check),
    }


def _layer_object(layer: LayerGradients) -> dict[str, Any]:
    reach, jacobians = layer.reach, layer.jacobians
    return {
        "layer": layer.layer,
        "name": layer.name,
        "part": layer.part,
        "direction": "backward" if layer.reverse else "forward",
        "gradient_norm_by_lag": layer.gradient_norm_by_lag,
        "state_gradient_norm_by_lag": layer.state_gradient_norm_by_lag,
        "without_attention_by_lag": layer.without_attention_by_lag,
        "left_by_lag": layer.left_by_lag,
        "left_without_attention": layer.left_without_attention,
        "own_gradient_norm_by_lag": layer.own_gradient_norm_by_lag,
        "own_left_by_lag": layer.own_left_by_lag,
        "step_jacobian_norm": jacobians.hidden_norm,
        "state_step_jacobian_norm": jacobians.norm,
        "smallest_singular_value": jacobians.smallest,
        "singular_values": {"largest": _mean(jacobians.norm), "smallest": _mean(jacobians.smallest)},
        "decay": reach.decay,
        "half_life": reach.half_life,
        "half_life_above": reach.half_life_above,
        "half_life_interval": reach.half_life_interval,
        "memory_1_percent": reach.memory_1_percent,
        "memory_1_percent_interval": reach.memory_interval,
        "judged_lag": reach.judged,
        "left_at_judged_lag": reach.left,
        "left_at_longest_lag": layer.memory_by_lag[-1],
        "spectral_radius": layer.spectral_radius,
        "spectral_radius_by_gate": dict(layer.spectral_radius_by_gate),
        "lyapunov": jacobians.lyapunov,
        "jacobian_sequences": jacobians.sequences,
        "verdict": reach.verdict,
    }


def _check_object(check: GradientCheck) -> dict[str, Any]:
    return {
        "tolerance": check.tolerance,
        "worst": check.worst.error,
        "passed": check.passed,
        "parameters": [asdict(one) for one in check.parameters],
    }


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean over the lags that were measured, None if there are none."""
    measured = [value for value in values if value is not None]
    return sum(measured) / len(measured) if measured else None


def lag_rows(report: GradientReport) -> list[dict[str, Any]]:
    """Return one row per lag: the hidden gradient of every layer, then its other columns; None beyond its lags.

    Where gradients were checked, each row says how that ended, and the worst relative error.
    """
    columns: dict[str, Sequence[float | None]] = {layer.name: layer.gradient_norm_by_lag for layer in report.layers}
    for layer in report.layers:
        columns[f"{layer.name} state"] = layer.state_gradient_norm_by_lag
        columns[f"{layer.name} left"] = layer.left_by_lag
        columns[f"{layer.name} own left"] = layer.own_left_by_lag
        columns[f"{layer.name} step jacobian"] = layer.jacobians.hidden_norm
    rows = by_lag(report.lags, columns)
    if report.check is None:
        return rows
    ended = {"gradient check": "passed" if report.check.passed else "failed", "worst error": report.check.worst.error}
    return [row | ended for row in rows]


def by_lag(lags: Sequence[int], columns: Mapping[str, Sequence[float | None]]) -> list[dict[str, Any]]:
    """Return the columns as rows for CSV, one per lag; None where a column is shorter."""
    return [
        {"lag": lag} | {name: values[lag] if lag < len(values) else None for name, values in columns.items()}
        for lag in lags
    ]


def measured_console() -> Console:
    """Return a console for tables and charts, with its width limited to what can be read."""
    from rich.console import Console

    console = Console(highlight=False)
    console.width = min(max(LEAST_WIDTH, console.width), MOST_WIDTH)
    return console


def _write_tables(report: GradientReport, *, plot: bool) -> None:
    """Write the gradients by lag as bars and all that explains them, or as lines and only how far they reach."""
    console = measured_console()
    say_on(console, heading(report), "bold")
    console.print()
    console.print(draw_lines(lines(report), console.width) if plot else lag_chart(report, console.width))
    console.print()
    names = [{"layer": layer.name, "decay": three_digits(layer.reach.decay)} for layer in report.layers]
    say_on(console, write_reach(report.layers, names, intervals=True), FRAME)
    say_on(console, RULE, FRAME)
    for advice in report.advice:
        say_advice(advice, console)
    if not plot:
        _write_details(report, console)
    elif report.check is not None:
        say_check(report.check, console)


def say_advice(advice: Advice, console: Console) -> None:
    """Print an advice, with each change to try on a line of its own, to be copied."""
    say_on(console, advice.text + (". Try" if advice.tries else ""), lead=ARROW)
    for number, change in enumerate(advice.tries):
        say_on(console, change, lead=" or " if number else "    ")


def _write_details(report: GradientReport, console: Console) -> None:
    console.print()
    jacobians = [_jacobian_row(layer) for layer in report.layers]
    figures = list(jacobians[0])[1:]
    title = "One step: singular values σ of its Jacobian, ρ of W_hh"
    write_table(jacobians, title, figures=figures, whole=figures, spare=("smallest σ", "Lyapunov", "growth a step"))
    if report.gates:
        console.print()
        gates = [_gate_row(gate) for gate in report.gates]
        low, high = NEAR_END, 1 - NEAR_END
        title = f"Gates: the shares of their values below {low:g} (of a tanh −{high:g}) and above {high:g}"
        write_table(gates, title, figures=list(gates[0])[2:], spare=("dead units",))
    console.print()
    parameters = [_parameter_row(parameter) for parameter in report.parameters]
    names = list(parameters[0])
    left_out = write_table(
        parameters, "Parameters", figures=names[2:], whole=names, least_width=LEAST_WIDTH, spare=TO_DROP
    )
    say_on(console, "; ".join(meaning for name, meaning in MEANINGS.items() if name not in left_out), FRAME)
    console.print()
    say_on(console, _clipping(report.clip, report.batches))
    if report.check is not None:
        _write_check(report.check, console)


def _jacobian_row(layer: LayerGradients) -> dict[str, str]:
    jacobians = layer.jacobians
    return {
        "layer": layer.name,
        "largest σ": three_digits(_mean(jacobians.norm)),
        "smallest σ": three_digits(_mean(jacobians.smallest)),
        "Lyapunov": three_digits(jacobians.lyapunov),
        "growth a step": f"× {three_digits(_exp(jacobians.lyapunov))}",
        "ρ(W_hh)": three_digits(layer.spectral_radius),
    }


def _exp(exponent: float | None) -> float | None:
    try:
        return None if exponent is None else math.exp(exponent)
    except OverflowError:
        return math.inf


def _gate_row(gate: GateActivity) -> dict[str, str]:
    return {
        "layer": gate.layer,
        "gate": gate.gate,
        "mean": three_digits(gate.mean),
        "low": _percent(gate.low),
        "high": _percent(gate.high),
        "dead units": "–" if gate.dead_units is None else f"{gate.dead_units:,} of {gate.units:,}",
    }


def _parameter_row(parameter: ParameterGradient) -> dict[str, str]:
    return {
        "parameter": parameter.name,
        "shape": "×".join(map(str, parameter.shape)),
        "|weight|": three_digits(parameter.weight_norm),
        "|grad|": three_digits(parameter.grad_norm),
        "update": three_digits(parameter.update_ratio),
        "zeros": _percent(parameter.zero_share),
        "s/n": three_digits(parameter.signal_to_noise),
    }


def _percent(share: float | None) -> str:
    return "–" if share is None or math.isnan(share) else f"{share:.1%}"


def _clipping(clip: Clipping, batches: int) -> str:
    if not math.isfinite(clip.mean_norm):
        return "the gradient's norm is beyond all numbers: clipping has nothing left to scale"
    norms = f"the gradient's norm is {three_digits(clip.mean_norm)}"
    if batches > 1:
        norms += f" on average, {three_digits(clip.largest_norm)} at most"
    if clip.clip_norm is None:
        return f"clip_norm null: nothing is clipped; {norms}"
    acted = round(clip.clipped * batches)
    of = f"of {batches:,} {'batch' if batches == 1 else 'batches'}"
    if not acted:
        return f"clip_norm {clip.clip_norm:g} acted on none {of}; {norms}"
    scaled = f"which it scaled by {three_digits(clip.scale)}" + (" on average" if acted > 1 else "")
    return f"clip_norm {clip.clip_norm:g} acted on {acted:,} {of}, {scaled}; {norms}"


def _write_check(check: GradientCheck, console: Console) -> None:
    console.print()
    rows = [
        {"parameter": one.name, "elements": f"{one.elements:,}", "worst error": three_digits(one.error)}
        for one in check.parameters
    ]
    title, figures = "Gradients beside central differences", ("elements", "worst error")
    write_table(rows, title, figures=figures, whole=("parameter",), spare=("elements",))
    say_check(check, console)


def say_check(check: GradientCheck, console: Console, of: str = "") -> None:
    """Print one sentence, which begins with `of`, on whether the check passed."""
    say_on(console, of + check_sentence(check), "green" if check.passed else "red")


def check_sentence(check: GradientCheck) -> str:
    """Return one sentence on whether the check passed."""
    verdict = "passed" if check.passed else "failed"
    return (
        f"gradient check {verdict}: the worst relative error is {three_digits(check.worst.error)}, of "
        f"{check.worst.name}; the tolerance is {three_digits(check.tolerance)}"
    )
