"""Output of inspect-grads for several networks: gradients by lag side by side, or the numbers as JSON or CSV."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rnncli.inspection.reports import Compared, LayerGradients, by_part, deepest, incomparable, unequal
from rnncli.training.score_object import score_object
from rnncli.ui.axes import FRAME
from rnncli.ui.gradient_tables import as_json, by_lag, check_sentence, measured_console, say_advice, say_check
from rnncli.ui.lag_chart import COMPARED, Panel, draw
from rnncli.ui.lag_lines import draw_lines
from rnncli.ui.numbers import figure
from rnncli.ui.output import Output, say, say_on, visible
from rnncli.ui.reach_table import LOSS, write_reach
from rnncli.ui.results import as_csv, rounded, write_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

AT = {"init": "before training", "best": "after training", "last": "after training", "failure": "where training failed"}
WHAT = "left: the share of lag 0's gradient that is left k steps back, in the layer that remembers most"
SHORTENED = ("model.", "training.", "data.")  # prefixes of KEY=VALUE names that tables leave out


def write_comparison(compared: Sequence[Compared], form: str | None) -> None:
    """Write the comparison as `form`, table, plot, csv or json; None is a table on a terminal and CSV in a pipe."""
    out = Output()
    form = form or ("table" if out.terminal else "csv")
    if form == "json":
        every = [
            {
                "name": one.name,
                "score": None if one.score is None else score_object(one.score),
                "updates": None if one.trained is None else one.trained.updates,
                "tokens": None if one.trained is None else one.trained.tokens,
                **as_json(one.report),
            }
            for one in compared
        ]
        found = {"compared": every, "not_comparable": incomparable(compared)}
        out.write(json.dumps(rounded(found), ensure_ascii=False) + "\n")
    elif form == "csv":
        out.write(as_csv(left_rows(compared)))
    else:
        _write_tables(compared, plot=form == "plot")
        return
    for one in compared:
        if one.report.check is not None:
            say(f"{one.name}, {AT[one.report.at]}: {check_sentence(one.report.check)}")


def left_rows(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """Return one row per lag, with one column per network and layer: the share of lag 0 that verdicts go by."""
    columns = {
        f"{name} {layer.name} left": layer.memory_by_lag
        for name, one in zip(_distinct(compared), compared, strict=True)
        for layer in one.report.layers
    }
    return by_lag(max((one.report.lags for one in compared), key=len), columns)


def _distinct(compared: Sequence[Compared]) -> list[str]:
    """Return distinct names: weights are added where names are alike, and a number where weights are alike too."""
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


def _write_tables(compared: Sequence[Compared], *, plot: bool) -> None:
    from rich.text import Text

    console = measured_console()
    if plot:
        _print_lines(compared, console)
    else:
        console.print(_chart(compared, console.width))
        say_on(console, WHAT, FRAME)
    console.print()
    ordered = [one for _, members in grouped(compared) for one in members]
    rows = [(one, layer) for one in ordered for layer in deepest_layers(one)]
    layered = any(len(one.report.layers) > 1 for one in compared)
    trained = any(one.score is not None or (one.trained is not None and one.trained.updates) for one in compared)
    names = [_names(*row, told=not trained, layered=layered) for row in rows]
    if trained:
        _write_training(ordered, console)
    write_reach([layer for _, layer in rows], names, intervals=False)
    for sentence in _cautions(compared):
        say_on(console, sentence, "yellow")
    for one in ordered:
        if one.report.check is not None:
            say_check(one.report.check, console, f"{one.name}, {AT[one.report.at]}: ")
    for one in ordered:
        if one.report.advice:
            console.print()
            console.print(Text(visible(f"{one.name}, {AT[one.report.at]}"), style="bold"))
        for advice in one.report.advice:
            say_advice(advice, console)


def _cautions(compared: Sequence[Compared]) -> Iterator[str]:
    """Yield a sentence on each reason why numbers of these networks may not be compared."""
    if aspects := incomparable(compared):
        yield f"losses and scores are not comparable: the networks differ in {' and '.join(aspects)}"
    if few_and_many := unequal(compared):
        few, many = few_and_many
        yield f"not trained alike: on {few:,} to {many:,} tokens, which may be why they differ"


def _chart(compared: Sequence[Compared], width: int) -> Text:
    groups = [(where, [p for one in members for p in _panels(one)]) for where, members in grouped(compared)]
    return draw(groups, width, COMPARED)


def _print_lines(compared: Sequence[Compared], console: Console) -> None:
    """Print one picture for each group of networks, with a line a network (of an encoder and a decoder, one each)."""
    for number, (title, members) in enumerate(grouped(compared)):
        say_on(console, title, "bold", lead="\n" if number else "")
        curves = [(panel.title, panel.shares) for one in members for panel in _panels(one)]
        console.print(draw_lines(curves, console.width))


def grouped(compared: Sequence[Compared]) -> list[tuple[str, list[Compared]]]:
    """Group the networks by title: before training, after training, where training failed."""
    every = ((where, [one for one in compared if AT[one.report.at] == where]) for where in dict.fromkeys(AT.values()))
    return [(where, members) for where, members in every if members]


def deepest_layers(one: Compared) -> list[LayerGradients]:
    """Return, for each part of the network, the layer with the largest share of the gradient left."""
    return [deepest(layers) for layers in by_part(one.report.layers)]


def _panels(one: Compared) -> list[Panel]:
    return [Panel(line_name(one, layer), layer.reach.verdict, layer.memory_by_lag) for layer in deepest_layers(one)]


def line_name(one: Compared, layer: LayerGradients) -> str:
    """Return the name of a network, with that of the layer if it has several."""
    name = _short(one.name)
    return name if len(one.report.layers) == 1 else f"{name}, {layer.name}"


def _write_training(compared: Sequence[Compared], console: Console) -> None:
    """Write a table of how long each network was trained and what came of it, which leaves room for names of runs."""
    scored = any(one.score is not None for one in compared)
    rows = []
    for one in compared:
        row = {"network": _short(one.name), "at": one.report.at}
        row["updates"] = "–" if one.trained is None else f"{one.trained.updates:,}"
        row["tokens"] = "–" if one.trained is None else f"{one.trained.tokens:,}"
        row[LOSS] = figure(one.report.loss)
        rows.append(row | ({"score": figure(one.score.network) if one.score else "–"} if scored else {}))
    figures = [name for name in rows[0] if name not in ("network", "at")]
    write_table(rows, figures=figures, whole=["at", *figures], spare=("updates", "tokens"))
    units = dict.fromkeys(f"{one.score.split} {one.score.unit}" for one in compared if one.score is not None)
    if units:
        say_on(console, f"{LOSS}: of the batches looked at; score: {', '.join(units)}", FRAME)
    console.print()


def _names(one: Compared, layer: LayerGradients, *, told: bool, layered: bool) -> dict[str, str]:
    """Return the first cells of a row on how far gradients reach; told: the loss is one of them."""
    first = {"network": _short(one.name), "at": one.report.at}
    first |= {LOSS: figure(one.report.loss)} if told else {}
    return first | ({"layer": layer.name} if layered else {})


def _short(name: str) -> str:
    """Shorten a name such as model.hidden_size=8 to hidden_size=8; return other names as they are."""
    return next((name.removeprefix(section) for section in SHORTENED if "=" in name and name.startswith(section)), name)
