"""Output of what labels are taken for: few as a matrix, many as lists that fit a terminal; all of it as JSON or CSV."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from rnncli.training.reports import Confusion, LabelScore, Score
from rnncli.training.score_object import IN_JSON, confusions, label_row
from rnncli.ui.results import write_table

SHOWN = 10  # confusions, and labels, of many


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
        )


def _write_confusion(confusion: Confusion) -> None:
    rows = [["label", *confusion.labels]]
    if len(confusion.labels) <= IN_JSON:  # wider than any terminal
        rows += [[label, *map(str, counts)] for label, counts in zip(confusion.labels, confusion.rows(), strict=True)]
    if len(rows) > 1 and _fits(rows):
        write_table(
            [dict(zip(rows[0], [row[0], *map(int, row[1:])], strict=True)) for row in rows[1:]],
            title="how often each label (a row) was predicted as another (a column)",
        )
    elif largest := confusions(confusion, SHOWN):
        number = len(confusion.largest())
        title = f"the {len(largest)} most frequent confusions, of {number:,} (--confusion FILE has all)"
        write_table([{"count": one["count"], **one} for one in largest], title=title)


def _fits(rows: list[list[str]]) -> bool:
    """True if a table of these cells fits the width of the terminal."""
    from rich.cells import cell_len
    from rich.console import Console

    return sum(2 + max(map(cell_len, column)) for column in zip(*rows, strict=True)) <= Console().width + 2


def _rounded(one: LabelScore) -> dict[str, Any]:
    return {"precision": f"{one.precision:.4f}", "recall": f"{one.recall:.4f}", "F1": f"{one.f1:.4f}"}


def save_confusion(confusion: Confusion, path: Path) -> None:
    """Write the whole matrix as CSV: a row for each actual label, a column for each predicted one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["actual", *confusion.labels])
        writer.writerows([label, *row] for label, row in zip(confusion.labels, confusion.rows(), strict=True))
