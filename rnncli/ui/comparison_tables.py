"""inspect-grads of several networks: their memory rulers side by side, the same numbers as JSON or CSV."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnncli.training.gradient_reports import Compared, LayerGradients
from rnncli.ui import svg_file
from rnncli.ui.gradient_tables import ARROW, as_json, by_lag, measured_console
from rnncli.ui.log_bars import FRAME
from rnncli.ui.output import Output, visible
from rnncli.ui.reach_table import write_reach
from rnncli.ui.results import as_csv, rounded
from rnncli.ui.ruler_chart import COMPARED, SVG_WIDTH, Panel, draw, shares
from rnncli.ui.scores import figure
from rnncli.ui.sentences import say

if TYPE_CHECKING:
    from rich.text import Text

AT = {"init": "before training", "best": "after training", "last": "after training", "failure": "where training failed"}
WHAT = "left: the share of lag 0's gradient that is left k steps back, in the layer in which most is left at the end"


def write_comparison(compared: Sequence[Compared], form: str | None) -> None:
    """As `form` says, table, csv or json; None: a table on a terminal and CSV in a pipe."""
    out = Output()
    form = form or ("table" if out.terminal else "csv")
    if form == "json":
        every = [{"name": one.name, **as_json(one.report)} for one in compared]
        out.write(json.dumps(rounded({"compared": every}), ensure_ascii=False) + "\n")
    elif form == "csv":
        out.write(as_csv(left_rows(compared)))
    else:
        _write_tables(compared)


def left_rows(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """One row a lag of the longest, one column a network and layer: the share of lag 0 that is left."""
    columns = {
        f"{name} {layer.name} left": shares(layer)
        for name, one in zip(_distinct(compared), compared, strict=True)
        for layer in one.report.layers
    }
    return by_lag(max((one.report.lags for one in compared), key=len), columns)


def _distinct(compared: Sequence[Compared]) -> list[str]:
    """Names; with the weights where two have one name, and with a number where they have the same weights too."""
    names = [one.name for one in compared]
    names = [
        f"{name} ({one.report.at})" if names.count(name) > 1 else name
        for name, one in zip(names, compared, strict=True)
    ]
    seen = Counter[str]()
    for i, name in enumerate(names):
        seen[name] += 1
        names[i] = f"{name} #{seen[name]}" if seen[name] > 1 else name
    return names


def _write_tables(compared: Sequence[Compared]) -> None:
    from rich.text import Text

    console = measured_console()
    console.print(_chart(compared, console.width))
    say(console, WHAT, FRAME)
    console.print()
    ordered = [one for _, members in _groups(compared) for one in members]
    write_reach([_deepest(one) for one in ordered], [_names(one) for one in ordered], intervals=False)
    for one in ordered:
        if one.report.advice:
            console.print()
            console.print(Text(visible(f"{one.name}, {AT[one.report.at]}"), style="bold"))
        for advice in one.report.advice:
            say(console, advice, lead=ARROW)


def save_svg(compared: Sequence[Compared], path: Path) -> None:
    """The rulers side by side as the SVG file `path`; the same bytes every time. OSError where that fails."""
    svg_file.save([_chart(compared, SVG_WIDTH)], path, SVG_WIDTH)


def _chart(compared: Sequence[Compared], width: int) -> Text:
    groups = [(where, [_panel(one) for one in members]) for where, members in _groups(compared)]
    return draw(groups, width, COMPARED)


def _groups(compared: Sequence[Compared]) -> list[tuple[str, list[Compared]]]:
    """Those before training, those after it, and so on."""
    every = ((where, [one for one in compared if AT[one.report.at] == where]) for where in dict.fromkeys(AT.values()))
    return [(where, members) for where, members in every if members]


def _deepest(one: Compared) -> LayerGradients:
    """The layer with most left at its longest lag."""
    return max(one.report.layers, key=lambda layer: -1.0 if layer.reach.left is None else layer.reach.left)


def _panel(one: Compared) -> Panel:
    layer = _deepest(one)
    title = one.name if len(one.report.layers) == 1 else f"{one.name}, {layer.name}"
    return Panel(title, layer.reach.verdict, shares(layer))


def _names(one: Compared) -> dict[str, str]:
    return {
        "network": one.name, "at": one.report.at, "loss": figure(one.report.loss), "layer": _deepest(one).name
    }  # fmt: skip
