"""plot: what a picture is drawn from, the curves of runs or rows that are piped in."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnncli import safe_files
from rnncli.data.encodings import encoding_of
from rnncli.data.source import decode, read_source
from rnncli.errors import DataError, MachineError, ModelFileError, UsageError, shown
from rnncli.notes import doubt, note
from rnncli.tasks.forecast.read_back import charts_of
from rnncli.tasks.forecast.reports import ForecastChart
from rnncli.training.curves import Curve, caution, curve_of
from rnncli.training.listed import Listed, basis_of
from rnncli.workflows.names import similar_run
from rnncli.workflows.runs import listed, named_runs, require_trained

PIPE = "-"
_OF_SEQUENCES = ("classify", "regress", "tag")  # tasks whose losses no cut into tokens changes
_OF_LOSS = ("training.loss", "data.scaling", "data.transform")  # keys that decide what a loss is


def to_plot(runs: Sequence[str]) -> tuple[Curve, ...] | tuple[ForecastChart, ...]:
    """Return the curves of runs, see `named_runs`, or what was piped in: forecasts, or one curve."""
    if PIPE not in runs:
        curves = tuple(curve_of_run(run) for run in named_runs(runs))
        if told := caution(curves):
            note(told)
        return curves
    if len(runs) > 1:
        raise UsageError("-: standard input is drawn alone; leave out the runs, or the -")
    piped = read_source(PIPE)
    return of_text(decode(piped, encoding_of(piped), hint="write it as UTF-8"))


def curve_of_run(run: str) -> Curve:
    """Return the curve of a run directory; UsageError where there is none, ModelFileError where it is damaged."""
    path = Path(run) / "metrics.jsonl"
    if not Path(run).is_dir():
        mend = similar_run(run) or "; name one, or - for standard input"
        raise UsageError(f"{run}: is no run directory{mend}")
    try:
        text = safe_files.read(path).decode("utf-8", "replace")
    except FileNotFoundError:
        require_trained(Path(run))
        raise UsageError(f"{run}: no metrics.jsonl in this directory; train first, or name another run") from None
    except OSError as error:
        why = (error.strerror or "").lower()
        raise MachineError(f"{path}: cannot be read: {why}; check its permissions") from None
    lines = list(_json_lines(text))
    curve = curve_of(run, lines)
    lost = sum(bool(line.strip()) for line in text.splitlines()) - (len(curve.steps) if curve else 0)
    if curve is not None and lost:
        doubt(f"{path}: {lost:,} of its lines are damaged, and their evaluations are not drawn")
    if curve is None and text.strip():
        raise ModelFileError(f"{path}: is damaged: no line of it is an evaluation; train again")
    if curve is None:
        raise UsageError(f"{run}: has not been evaluated yet; wait for the first line of metrics.jsonl")
    found = listed(Path(run))
    return replace(curve, loss=_loss_of(found), basis=_basis_of(found))


def _loss_of(run: Listed) -> str:
    """Return in words what the losses of a run are of; nothing where no config tells."""
    of = [run.config[key] for key in ("data.tokens", "training.loss") if run.config.get(key) is not None]
    return "" if run.task is None else f"{run.task} ({', '.join(map(str, of))})" if of else run.task


def _basis_of(run: Listed) -> dict[str, tuple[str, ...]]:
    """Return what the losses of a run are losses on, as far as that is known."""
    if not run.config:
        return {}
    basis = basis_of(run.data)
    if run.task in _OF_SEQUENCES:
        del basis["tokens"]
    loss = tuple(str(run.config.get(key)) for key in _OF_LOSS)
    return {"task": (str(run.task),), "data": (str(run.data_sha256),), **basis, "loss": loss}


def of_text(text: str) -> tuple[Curve, ...] | tuple[ForecastChart, ...]:
    """Return what CSV, JSON or JSON lines hold; DataError where that is neither a forecast nor metrics."""
    rows, decimal = _rows(text)
    if (curve := curve_of("standard input", rows)) is not None:
        return (curve,)
    if charts := charts_of(rows, decimal):
        return charts
    what = f"the columns {shown(', '.join(rows[0]), 80)}" if rows else "no rows"
    raise DataError(
        f"standard input: has {what}, which are neither a forecast nor metrics; pipe in what predict -f csv writes, or "
        "a metrics.jsonl"
    )


def _rows(text: str) -> tuple[list[Mapping[str, Any]], str]:
    """Return the rows of a text, and its decimal mark."""
    if text.lstrip()[:1] == "{":
        return list(_json_lines(text)), "."
    if text.lstrip()[:1] == "[":
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"standard input: is no whole JSON: {error}; write it anew") from None
        return [row for row in found if isinstance(row, dict)], "."
    header, *lines = text.splitlines() or [""]
    if header in lines:
        again = f"line {lines.index(header) + 2} is the header again, as where one forecast follows another"
        raise DataError(f"standard input: {again}; pipe in one at a time")
    delimiter = max(",;\t|", key=header.count)
    try:
        rows = [row for row in csv.DictReader(text.splitlines(), delimiter=delimiter) if None not in row.values()]
    except csv.Error as error:
        raise DataError(f"standard input: is no CSV: {error}; write it anew") from None
    decimal = "," if delimiter != "," and "," in text and "." not in _last_cells(rows) else "."
    if decimal == ",":
        rows = [{key: _pointed(value) for key, value in row.items()} for row in rows]
    return [row for row in rows if None not in row], decimal


def _last_cells(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(str(list(row.values())[-1]) for row in rows)


def _pointed(value: str) -> str:
    """Return a number with a decimal comma as one with a point, all else as it is."""
    whole, _, decimals = value.partition(",")
    return f"{whole}.{decimals}" if decimals.isdigit() and whole.lstrip("-").isdigit() else value


def _json_lines(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of JSON lines; a line that is cut off is none."""
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found
