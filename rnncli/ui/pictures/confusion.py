"""The picture of a confusion matrix: how often each label was predicted as which."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rnncli.training.reports import Confusion
from rnncli.ui.label_tables import shown_label
from rnncli.ui.pictures.canvas import BLUE, INK, PAPER, figure_of, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 25  # labels; of more, those that are confused most
_NUMBERED = 15  # labels up to which every cell has its number
_DARK = 0.6  # share from which a cell is dark
_LONG = 18  # characters of a label
_ABREAST = 50  # characters of labels that stand side by side; more are slanted


def draw(confusion: Confusion) -> Figure:
    """Draw the share of each actual label (a row) that was predicted as each label, with the counts in the cells."""
    from matplotlib.patches import Rectangle

    chosen = _chosen(confusion)
    rows = list(confusion.rows())
    counts = [[rows[i][k] for k in chosen] for i in chosen]
    shares = [[count / max(1, sum(rows[i])) for count in row] for i, row in zip(chosen, counts, strict=True)]
    names = [plain(shown_label(confusion.labels[i]), _LONG) for i in chosen]
    figure, (axes,) = figure_of(2.2 + 0.42 * len(chosen) if len(chosen) > 5 else 4.2)
    for i, k in itertools.product(range(len(chosen)), repeat=2):
        share, count = shares[i][k], counts[i][k]
        axes.add_patch(Rectangle((k, i), 1, 1, facecolor=BLUE, alpha=share, linewidth=0))
        if len(chosen) <= _NUMBERED:
            colour = PAPER if share > _DARK else INK
            axes.text(k + 0.5, i + 0.5, f"{count:,}" if count else "·", ha="center", va="center", color=colour)
    axes.set(xlim=(0, len(chosen)), ylim=(len(chosen), 0))
    places = [i + 0.5 for i in range(len(names))]
    axes.set_xticks(places, names)
    if sum(map(len, names)) > _ABREAST:
        for label in axes.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, names)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual")
    few = f", the {len(chosen)} labels confused most" if len(chosen) < len(confusion.labels) else ""
    axes.set_title(f"Confusion matrix{few}", pad=10)
    return figure


def _chosen(confusion: Confusion) -> list[int]:
    """Return the labels to draw, in their order: all, or those in the most frequent confusions."""
    if len(confusion.labels) <= MOST:
        return list(range(len(confusion.labels)))
    wrong = [0] * len(confusion.labels)
    for i, k, count in confusion.pairs:
        if i != k:
            wrong[i] += count
            wrong[k] += count
    return sorted(sorted(range(len(wrong)), key=lambda i: (-wrong[i], i))[:MOST])
