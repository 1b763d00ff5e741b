"""Which columns of a table are to be forecast, where the config names none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rnncli.data.column_kinds import UNITS, Kind, counts_rows
from rnncli.data.csv_table import Table
from rnncli.data.numeric import is_grouped, is_numeric_column, numeric_column, share_of_numbers
from rnncli.data.stamp_column import NO_TIME
from rnncli.errors import DataError, quoted, shown
from rnncli.notes import doubt
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel_times import is_read, is_whole, usual_name

# Names of what is to be forecast, in the languages that tables come in most, likelier ones first.
_USUAL = (
    *("y", "target"),
    *("sales", "umsatz", "absatz", "verkauf", "verkäufe", "erlös", "erlöse", "ventas", "venta", "ventes", "vente"),
    *("sold", "demand", "nachfrage", "bedarf", "demanda", "demande"),
    *("quantity", "menge", "verkaufsmenge", "cantidad", "quantité", "quantite"),
    *("consumption", "verbrauch", "consumo", "consommation", "load"),
    *("count", "cnt", "anzahl", "besucher", "bestand"),
    *("close", "price", "preis", "precio", "prix"),
    *("value", "wert", "valor", "valeur"),
)
_OF_A_CALENDAR = re.compile(
    r"(?:day|hour|minute|week|month|quarter)s?(?:of|in)(?:day|week|month|quarter|year)|dow|doy|woy|yr|mnth|mth|hr|"
    r"[ymw]day|weekday|(?:is)?(?:public|bank|school)?holiday|(?:is)?weekend|(?:is)?(?:weekday|workingday|workday)|season"
)  # of letters alone


def find_targets(
    table: Table, data: SeriesConfig, taken: Sequence[str], identity: str | None, kinds: Mapping[str, Kind | None]
) -> tuple[str, ...]:
    """Return the one column with a usual name, or else all columns of numbers that are not `taken`, change, and neither
    tell a time nor count rows; with a note of those left out. Where columns are forecast independently (data.channels),
    names do not matter. DataError if no column has numbers throughout.
    """
    others = [name for name in table.header if name not in taken]
    usual = None if identity is None else usual_name(others, _USUAL)
    if usual is not None:
        return _alone(usual, others)
    indices = [table.header.index(name) for name in others]
    numeric = [i for i in indices if is_numeric_column(table, i, data.decimal)]
    for i in indices:
        if i not in numeric and (len(others) == 1 or _meant_as_numbers(table, i, data.decimal)):
            numeric_column(table, i, decimal=data.decimal, missing="mask")  # names the odd cell
    left_out = [table.header[i] for i in indices if i not in numeric]
    others = [name for name in left_out if kinds.get(name) != "time" or data.time == NO_TIME]
    if numeric and others:
        doubt(f"columns left out because they are not numbers: {', '.join(others)}")
    if numeric and len(others) < len(left_out):
        more = ", ".join(name for name in left_out if name not in others)
        doubt(f"more columns of times, which are left out: {more}; name another one in data.time")
    if numeric:
        kept = _without_clocks_and_constants(table, [table.header[i] for i in numeric], kinds)
        usual = None if data.channels == "independent" else usual_name(kept, _USUAL)
        return kept if usual is None else _alone(usual, kept)
    raise DataError(
        f"{table.name}: no column is numeric throughout; name the one to forecast with --set data.target=NAME "
        f"(columns: {', '.join(map(shown, table.header))}), or another task, such as --set task=classify"
    )


def _alone(usual: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the column with a usual name alone, with a note of the others."""
    left_out = [name for name in names if name != usual]
    if left_out:
        several = quoted(f"[{shown(usual)}, {shown(left_out[0])}]")
        doubt(
            f"the target is {shown(usual)}, as its name suggests; columns left out: {', '.join(left_out)}; those that "
            "help belong in data.known_covariates, data.past_covariates or data.static; to forecast others: "
            f"--set data.target={several}"
        )
    return (usual,)


def _without_clocks_and_constants(
    table: Table, names: Sequence[str], kinds: Mapping[str, Kind | None]
) -> tuple[str, ...]:
    """Return the columns that change and are no times, with a note of the others; all of them if none is left."""
    reasons = {"time": "a time", "part": "a part of a time", "counter": "the number of the row"}
    dated = any(kind == "time" and not is_whole(table, name) and is_read(table, name) for name, kind in kinds.items())
    left_out = {}
    for name in names:
        index, kind = table.header.index(name), kinds.get(name)
        if dated and kind in ("time", "part") and name.lower() not in UNITS:
            kind = None  # whole numbers beside a date are values, whatever they are called
        cells = [row[index].strip() for row in table.rows]
        if kind:
            left_out[name] = reasons[kind]
        elif len(cells) > 1 and len(set(cells)) == 1:
            left_out[name] = "constant"
        elif index == 0 and counts_rows(cells):
            left_out[name] = "the number of the row"
        elif _OF_A_CALENDAR.fullmatch(re.sub("[^a-z]", "", name.lower())) and all(map(str.isdigit, cells)):
            left_out[name] = "of a calendar"
    kept = tuple(name for name in names if name not in left_out)
    if not kept or not left_out:
        return tuple(names)
    listed = ", ".join(f"{name} ({why})" for name, why in left_out.items())
    doubt(f"columns left out: {listed}; name those to forecast in data.target")
    return kept


def _meant_as_numbers(table: Table, index: int, decimal: str) -> bool:
    """True if an error that names an odd cell helps more than leaving the column out: half of its cells or more are
    numbers, with marks between thousands or without, or all are with the other decimal sign.
    """
    other = "," if decimal == "." else "."
    grouped = sum(is_grouped(row[index]) for row in table.rows) / len(table.rows)
    return share_of_numbers(table, index, decimal) + grouped >= 0.5 or is_numeric_column(table, index, other)
