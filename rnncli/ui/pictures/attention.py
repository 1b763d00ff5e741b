"""The picture of where a seq2seq model looked when it wrote an answer."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rnncli.tasks.seq2seq.attention_map import AttentionMap
from rnncli.ui.pictures.canvas import BLUE, figure_of, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 60  # tokens of a source or a target that are drawn
_LONG = 16  # characters of a token
_LEAST = 0.005  # share that can be seen


def draw(found: AttentionMap) -> Figure:
    """Draw the source from left to right, the answer from top to bottom: the darker, the more it looked there."""
    from matplotlib.patches import Rectangle

    source = [plain(token, _LONG) if token != " " else "␣" for token in found.source[:MOST]]
    target = [plain(token, _LONG) if token != " " else "␣" for token in found.target[:MOST]]
    figure, (axes,) = figure_of(1.6 + 0.28 * max(5, len(target)))
    for t, s in itertools.product(range(len(target)), range(len(source))):
        share = float(found.weights[t, s])
        if share >= _LEAST:
            axes.add_patch(Rectangle((s, t), 1, 1, facecolor=BLUE, alpha=min(1.0, share), linewidth=0))
    axes.set(xlim=(0, len(source)), ylim=(len(target), 0))
    axes.set_xticks([s + 0.5 for s in range(len(source))], source)
    axes.set_yticks([t + 0.5 for t in range(len(target))], target)
    if max(map(len, source)) > 2:
        for label in axes.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.set_xlabel("read")
    axes.set_ylabel("written")
    axes.set_title("Where the network looked when it wrote", pad=10)
    return figure
