"""Output of what labels are taken for: few as a matrix, many as lists that fit a terminal; all of it as JSON or CSV."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

from rnncli.data.csv_writer import csv_writer
from rnncli.errors import MachineError, UsageError
from rnncli.training.reports import Confusion, LabelScore, Score
from rnncli.training.score_object import IN_JSON, confusions, label_row
from rnncli.ui.output import put
from rnncli.ui.results import write_table

SHOWN = 10  # confusions, and labels, of many
_CORNER = "actual"  # the first cell of a matrix


def write_labels(score: Score) -> None:
    """Write tables of the confusions and of the labels: whole where they fit, else the worst."""
    if score.confusion is not None:
        _write_confusion(score.confusion)
    if len(score.labels) > 2 or (score.labels and score.confusion is None):
        worst = sorted(score.labels, key=lambda one: (one.f1, -one.support, one.label))
        title = "labels, the lowest F1 first"
        if len(worst) > SHOWN:
            title = f"the {SHOWN} labels of the lowest F1, of {len(worst):,} (-f json has all)"
        write_table(
            [label_row(one) | _rounded(one) for one in worst[:SHOWN]],
            title=title,
            figures=("precision", "recall", "F1"),
            spare=("support", "precision", "recall"),
        )


def _write_confusion(confusion: Confusion) -> None:
    labels = [shown_label(label) for label in confusion.labels]
    rows = [[_CORNER, *labels]]
    if len(labels) <= IN_JSON:  # wider than any terminal
        rows += [[label, *map(str, counts)] for label, counts in zip(labels, confusion.rows(), strict=True)]
    if len(rows) > 1 and _fits(rows):
        write_table(
            [dict(zip(rows[0], [row[0], *map(int, row[1:])], strict=True)) for row in rows[1:]],
            title="how often each (a row) was predicted as another (a column)",
        )
    elif largest := confusions(confusion, SHOWN):
        number = len(confusion.largest())
        title = f"the {len(largest)} most frequent confusions, of {number:,} (--confusion FILE has all)"
        write_table(
            [
                {"count": one["count"]} | {name: shown_label(one[name]) for name in ("actual", "predicted")}
                for one in largest
            ],
            title=title,
            spare=("count",),
        )


def shown_label(label: str) -> str:
    """Return a label as a table shows it: a space, which is a symbol of transcripts, so that it is seen."""
    return label if label.strip(" ") else label.replace(" ", "\N{OPEN BOX}")


def _fits(rows: list[list[str]]) -> bool:
    """True if a table of these cells fits the width of the terminal."""
    from rich.cells import cell_len
    from rich.console import Console

    return sum(2 + max(map(cell_len, column)) for column in zip(*rows, strict=True)) <= Console().width + 2


def _rounded(one: LabelScore) -> dict[str, Any]:
    return {"precision": f"{one.precision:.4f}", "recall": f"{one.recall:.4f}", "F1": f"{one.f1:.4f}"}


def require_matrix_file(option: str, path: str) -> None:
    """Raise UsageError for a file that is not called a CSV, or holds anything but a matrix; MachineError where its
    folder is missing. A device or a pipe may be called anything."""
    file = Path(path)
    if file.exists() and not file.is_file() and not file.is_dir():
        return
    if file.suffix.lower() != ".csv":
        raise UsageError(f"{option} {path}: the matrix is a file that ends in .csv; name such a file")
    if not file.parent.is_dir():
        raise MachineError(f"{option} {path}: cannot write: no folder {file.parent}; make it, or name another")
    if file.is_file() and file.stat().st_size and not _holds_a_matrix(file):
        raise UsageError(f"{option} {path}: holds something else than a matrix, and is left as it is; name another")


def _holds_a_matrix(path: Path) -> bool:
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(len(_CORNER) + 1) == f"{_CORNER},".encode()
    return False


def save_confusion(confusion: Confusion, path: Path) -> None:
    """Write the whole matrix as CSV: a row for each actual label, a column for each predicted one."""
    text = io.StringIO()
    writer = csv_writer(text)
    writer.writerow([_CORNER, *confusion.labels])
    writer.writerows([label, *row] for label, row in zip(confusion.labels, confusion.rows(), strict=True))
    put(path, text.getvalue().encode("utf-8", "surrogatepass"))
