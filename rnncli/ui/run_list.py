"""Output of a list of runs as a table, CSV or JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from rnncli.training.listed import BASIS, Listed
from rnncli.ui.numbers import figure
from rnncli.ui.output import Output, duration
from rnncli.ui.results import GAP, as_csv, rounded, say_left_out, write_table

_DIFFERS = "differs in"  # on a narrow terminal in a table of its own
_SPARE = (_DIFFERS, "time", "task", "strongest baseline", "network is", "best")  # columns, on a narrow terminal


def write_runs(found: Sequence[Listed], form: str | None, *, quiet: bool = False) -> None:
    """Write the runs as `form`; None is a table on a terminal and CSV in a pipe."""
    out = Output()
    form = form or ("table" if out.terminal else "csv")
    if form == "json":
        out.write(json.dumps([rounded(_object(one)) for one in found], ensure_ascii=False, indent=2) + "\n")
    elif form == "csv":
        out.write(as_csv([_object(one) | {"differs": " ".join(_settings(one.differs))} for one in found]))
    else:
        groups = _groups(found)
        without: dict[str, None] = {}
        for number, (group, title) in enumerate(zip(groups, _titles([one for one, *_ in groups]), strict=True)):
            out.write("\n" if number else "")
            without |= dict.fromkeys(_write_group([_row(one) for one in group], title))
        if not quiet:
            say_left_out(without)


def _write_group(rows: Sequence[Mapping[str, Any]], title: str) -> list[str]:
    """Write the runs that compare together; return the columns for which there was no room."""
    left_out = write_table(rows, title, whole=("run",), figures=("score", "time"), spare=_SPARE, lines=2)
    if _DIFFERS in left_out:
        rows = [{name: row[name] for name in ("run", _DIFFERS)} for row in rows]
        longest = max(len(word) for row in rows for word in row[_DIFFERS].split())  # is not broken
        write_table(rows, whole=("run",), least_width=max(len(row["run"]) for row in rows) + longest + GAP)
        left_out.remove(_DIFFERS)
    return left_out


def _groups(found: Sequence[Listed]) -> list[list[Listed]]:
    """Return the runs that compare together, in the order in which they came; those without a score last."""
    groups: dict[tuple[Any, ...] | None, list[Listed]] = {}
    for one in found:
        groups.setdefault(one.comparable, []).append(one)
    without = groups.pop(None, [])
    return [*groups.values(), *([without] if without else [])]


def _titles(firsts: Sequence[Listed]) -> list[str]:
    """Return the titles of groups with these runs; of those that would be alike each says in what it differs."""
    titles = [_title(one) for one in firsts]
    alike = [[other for other, title in zip(firsts, titles, strict=True) if title == own] for own in titles]
    return [", ".join([own, *_apart(one, some)]) for own, one, some in zip(titles, firsts, alike, strict=True)]


def _apart(one: Listed, others: Sequence[Listed]) -> list[str]:
    """Return in what the score of a run is one of something else than those of others."""
    if one.score is None:
        return []
    own, *each = (_by_key(other) for other in (one, *others))
    return [f"{key} {value}" for key, value in own.items() if any(other.get(key, value) != value for other in each)]


def _by_key(one: Listed) -> dict[str, str]:
    """Return what the score of a run is one of by the keys of `data`; the data by the beginning of their hash."""
    found = {
        key: value
        for aspect, values in one.basis.items()
        for key, value in zip(BASIS.get(aspect, (aspect,)), values, strict=True)
    }
    return found | {"data": found["data"][:8]}


def _title(one: Listed) -> str:
    if one.score is None:
        return "without a score"
    path = one.config.get("data.path") or "a pipe"
    data = PurePath(path).name if isinstance(path, str) else f"{len(path):,} files"
    return f"{one.score['unit']}, {one.score['split']} split of {data}"


def _object(one: Listed) -> dict[str, Any]:
    score = one.score or {}
    strongest = score.get("strongest")
    return {
        "run": one.path,
        "task": one.task,
        "state": one.state,
        "score": score.get("network"),
        "unit": score.get("unit"),
        "split": score.get("split"),
        "baseline": strongest,
        "baseline_score": score.get("floors", {}).get(strongest),
        "verdict": score.get("verdicts", {}).get(strongest),
        "best_of": one.best_of,
        "steps": one.steps,
        "seconds": one.seconds,
        "ended": one.ended,
        "differs": dict(one.differs),
    }


def _row(one: Listed) -> dict[str, Any]:
    """Return the row of a table: the same in words, as short as can be."""
    row = {"run": os.path.basename(os.path.abspath(one.path))}
    took = "" if one.seconds is None else duration(one.seconds)
    if one.score is None:
        return row | {"task": one.task or "", "": one.state, "time": took}
    whole = _object(one)
    verdict, strongest = whole["verdict"] or "", whole["baseline"]
    beside = "" if strongest is None else f"{figure(whole['baseline_score'])} {strongest}"
    return row | {
        "score": figure(whole["score"]),
        "best": f"of {one.best_of}" if one.best_of else "",
        "strongest baseline": beside,
        "network is": verdict,
        "time": took,
        "differs in": ", ".join(_broken(text) for text in _settings(one.differs)),
    }


def _broken(setting: str) -> str:
    """Return a key without its section and its value as two words, between which a narrow column may end."""
    return setting.partition(".")[2].replace("=", " ", 1)


def _settings(differs: Mapping[str, Any]) -> list[str]:
    return [f"{key}={_value(value)}" for key, value in differs.items()]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False).replace(" ", "")
