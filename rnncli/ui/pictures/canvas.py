"""The look of all pictures, and their files: PNG, SVG or PDF, the same bytes for the same input.

A picture is a function that returns a figure. It uses no state of matplotlib's own, and no colour says anything that
no label says as well; colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnncli.errors import UsageError
from rnncli.ui.axes import spanning
from rnncli.ui.output import put, require_folder, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw = Callable[[], "Figure"]

FORMATS = ("png", "svg", "pdf")
INK, SOFT, GRID, PAPER = "#1f2328", "#59636e", "#d8dde3", "#ffffff"
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = "#0072b2", "#d55e00", "#009e73", "#a3508b", "#56b4e9", "#b07800"
BANDS = ("#cde2f1", "#9ac7e4", "#6aabd6")  # the widest first
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, SOFT)
DASHES = ("-", "--", ":", "-.")  # each line has other ones, so that one upon another hides nothing
WIDTH = 8.0  # inches, which are 800 points of a screen; a PNG has twice as many
_DPI = 200
_DOTTED = 60  # points
_LETTER, _BOLD_LETTER = 0.088, 0.11  # inches of a letter in a legend and in a title, about
_HANDLE, _EDGE = 0.65, 0.3  # inches of an entry of a legend beside its letters, and of a figure around what is in it
_ABREAST = 6  # entries of a legend
_LOOK = {
    "font.family": ["DejaVu Sans", "sans-serif"],
    "figure.figsize": (WIDTH, WIDTH),
    "font.size": 11.0,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in the data is a dollar
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 13.0,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "path.simplify": True,
    "pdf.fonttype": 42,
    "svg.hashsalt": "rnncli",
}
_NO_DATE: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_NO_XML = re.compile("[\ufffe\uffff]")


def require_picture(option: str, path: str) -> None:
    """Raise UsageError for an unknown format or a missing matplotlib; MachineError where the folder is missing."""
    if form_of(path) not in FORMATS:
        raise UsageError(f"{option} {path}: a picture is a file that ends in .png, .svg or .pdf; name such a file")
    require_matplotlib(option)
    require_folder(option, path)


def require_matplotlib(what: str) -> None:
    """Raise UsageError where matplotlib is missing."""
    if not is_installed():
        raise UsageError(f"{what}: is drawn by matplotlib, which is not installed; pip install 'rnncli[plots]'")


def is_installed() -> bool:
    return find_spec("matplotlib") is not None


def form_of(path: str) -> str:
    return Path(path).suffix[1:].lower()


def save(draw: Draw, path: Path, *, named: bool = True) -> None:
    """Replace `path` by the picture, in the format that its name ends in, as `put` does; OSError where that fails."""
    put(path, content_of(draw, form_of(str(path))), named=named)


def content_of(draw: Draw, form: str, changes: dict[str, Any] | None = None, **options: Any) -> bytes:
    """Return the bytes of a picture in a format; changes: of the look."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = io.BytesIO()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of caches that are its own affair
    with matplotlib.rc_context({**_LOOK, **(changes or {})}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the font lacks, which are drawn as boxes
        figure = draw()
        FigureCanvasAgg(figure)
        figure.savefig(content, format=form, dpi=_DPI, metadata=_NO_DATE[form], **options)
    return content.getvalue()


def figure_of(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure of this height in inches, and its axes row by row."""
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(matplotlib.rcParams["figure.figsize"][0], height), layout="constrained")
    made = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(made.ravel())


def plain(text: str, limit: int = 90) -> str:
    """Return text from data as one line that shows what could control a reader, cut to `limit` characters."""
    shown = _NO_XML.sub("\ufffd", visible(text).replace("\n", "\\n").replace("\t", "\\t"))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def titled(axes: Axes, title: str, *, legend: bool = True) -> None:
    """Write a title and, under it and out of the data, the legend of what is labelled."""
    handles, labels = axes.get_legend_handles_labels()
    shown = bool(handles) and legend
    if shown:
        labels, columns = _fitted(axes.figure, labels)
        place = {"loc": "lower left", "bbox_to_anchor": (-0.01, 1.0), "borderaxespad": 0.2}
        rows = -(-len(labels) // columns)
        axes.legend(handles, labels, ncols=columns, handlelength=1.8, columnspacing=1.6, **place)
    axes.set_title(_title(axes.figure, title), pad=10 + 17 * rows if shown else 10)


def _fitted(figure: Any, labels: Sequence[str]) -> tuple[list[str], int]:
    """Return the entries of a legend, cut where one is wider than the figure, and how many stand side by side."""
    width = figure.get_figwidth() - _EDGE
    shown = [plain(label, int((width - _HANDLE) / _LETTER)) for label in labels]
    if len(shown) <= _ABREAST and sum(_HANDLE + _LETTER * len(label) for label in shown) <= width:
        return shown, max(1, len(shown))
    most = int(width / (_HANDLE + _LETTER * max(map(len, shown), default=1)))
    return shown, max(1, min(_ABREAST, most))


def _title(figure: Any, title: str) -> str:
    return plain(title, int((figure.get_figwidth() - _EDGE) / _BOLD_LETTER))


def headed(figure: Figure, title: str, axes: Axes | None = None) -> None:
    """Write over all axes of a figure a title and, if these are named, the legend of one of them."""
    handles, labels = axes.get_legend_handles_labels() if axes is not None else ([], [])
    labels, columns = _fitted(figure, labels)
    figure.legend(
        handles,
        labels,
        title=_title(figure, title),
        ncols=columns,
        loc="outside upper left",
        handlelength=1.8,
        alignment="left",
        title_fontproperties={"size": 13, "weight": "bold"},
    )


def styles(count: int) -> Iterator[dict[str, Any]]:
    """Yield the colour and the dashes of each of `count` lines."""
    for i in range(count):
        yield {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[i % len(DASHES)]}


def dots(count: int) -> dict[str, Any]:
    """Return the dots of a line of `count` points, none where they would run into each other."""
    return {"marker": "o", "markersize": 3} if count <= _DOTTED else {}


def number_axis(axes: Axes, values: Sequence[float], decimal: str = ".", most: int = 6) -> None:
    """Mark the y axis with round numbers that have the decimal mark of the data."""
    ticks = spanning(values, decimal).ticks(most)
    axes.set_yticks([value for value, _ in ticks], [label for _, label in ticks])
