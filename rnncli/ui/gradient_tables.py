"""inspect-grads: two tables on a terminal, the same numbers as JSON or CSV."""

from __future__ import annotations

import json
from typing import Any

from rnncli.training.reports import GradientReport
from rnncli.ui.output import Output
from rnncli.ui.results import as_csv, rounded, write_table

MOST_LAGS = 16  # rows of the table on a terminal; JSON and CSV have every lag
BAR = 30  # characters


def write_gradients(report: GradientReport, form: str | None) -> None:
    out = Output()
    form = form or ("table" if out.terminal else "csv")
    if form == "json":
        out.write(json.dumps(rounded(as_json(report))) + "\n")
    elif form == "csv":
        out.write(as_csv(lag_rows(report)))
    else:
        _write_tables(report, out)


def as_json(report: GradientReport) -> dict[str, Any]:
    """The JSON contract of inspect-grads."""
    return {
        "loss": report.loss,
        "unit": report.unit,
        "sequences": report.sequences,
        "lags": list(report.lags),
        "layers": [
            {"layer": layer.layer, "gradient_norm_by_lag": list(layer.gradient_norm_by_lag)} for layer in report.layers
        ],
        "parameters": [
            {"name": p.name, "shape": list(p.shape), "weight_norm": p.weight_norm, "grad_norm": p.grad_norm,
             "ratio": p.ratio}
            for p in report.parameters
        ],
    }  # fmt: skip


def lag_rows(report: GradientReport) -> list[dict[str, Any]]:
    """One row a lag, one column a layer."""
    return [
        {"lag": lag} | {f"layer {layer.layer}": layer.gradient_norm_by_lag[lag] for layer in report.layers}
        for lag in report.lags
    ]


def _write_tables(report: GradientReport, out: Output) -> None:
    parameters = [
        {"parameter": p.name, "shape": "×".join(map(str, p.shape)), "weight norm": _short(p.weight_norm),
         "gradient norm": _short(p.grad_norm), "ratio": "" if p.ratio is None else _short(p.ratio)}
        for p in report.parameters
    ]  # fmt: skip
    write_table(parameters, f"Parameters (loss {report.loss:.4f} {report.unit})")
    out.write("\n")
    rows = []
    for lag in _chosen(len(report.lags)):
        row: dict[str, Any] = {"lag": str(lag)}
        for layer in report.layers:
            norms = layer.gradient_norm_by_lag
            row[f"layer {layer.layer}"] = f"{_short(norms[lag]):>9}"
            if len(report.layers) <= 2:
                row[" " * (layer.layer + 1)] = _bar(norms[lag], max(norms), BAR // len(report.layers))
        rows.append(row)
    title = f"Norm of dL_T/dh_(T−k) at lag k, mean of {report.sequences} sequences"
    write_table(rows, title)


def _chosen(count: int) -> list[int]:
    """Every lag, or a spread of them with the first and the last."""
    if count <= MOST_LAGS:
        return list(range(count))
    return sorted({round(i * (count - 1) / (MOST_LAGS - 1)) for i in range(MOST_LAGS)})


def _short(value: float) -> str:
    return f"{value:.3g}"


def _bar(value: float, largest: float, width: int) -> str:
    return "█" * max(1 if value > 0 else 0, round(width * value / largest)) if largest > 0 else ""
