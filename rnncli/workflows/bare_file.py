"""What a data file without a config is for: the task that recognises it most surely, or a question to the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from rnncli.config.data_section import DIALECT, TableConfig
from rnncli.config.loading import given_keys
from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS
from rnncli.data.files import Paths, read_files
from rnncli.data.json_text import is_json
from rnncli.data.lines import UNDECODED
from rnncli.data.look import Look, look_at
from rnncli.data.source import STDIN, Source
from rnncli.errors import DataError, UsageError, quoted, shown
from rnncli.notes import note
from rnncli.tasks.registry import TASKS
from rnncli.tasks.task import CONCEIVABLE, Recognised, Task

_ROLES = ("text", "inputs", "label", "id", "source", "target")  # keys of `data` that go together
_FEWEST = 5  # examples or rows
_START = 100  # characters of JSON that show of what it is
_NAMED = 3  # files that a note names


@dataclass(frozen=True)
class Guess:
    """What a data file is for. why: what it looks like, None if nothing was seen in it. config: as plain values."""

    task: str
    why: str | None
    config: dict[str, Any]


def read_and_guessed(
    path: Paths | Source, overrides: Sequence[str], command: str = "train"
) -> tuple[Guess, Source | None]:
    """Return what the data at `path` are for; see `guessed`. With it what was read of them, None where the names of
    files told it."""
    given = given_keys(overrides)
    data = given.get("data")
    tokens = data.get("tokens") if isinstance(data, dict) else None
    if not isinstance(path, Source) and tokens != "byte" and (guess := _by_names(path, given.get("task"))):
        return guess, None
    source = read_files(path, binary=tokens == "byte")
    return guessed(path, source, overrides, command), source


def _by_names(path: Paths, named: object) -> Guess | None:
    """Return what the names of files tell, for the task that is named, if one is; with a note of it."""
    if path == "-":
        return None
    for name, task in TASKS.items():
        if named in (None, name) and (why := task.recognised_names(path)):
            called = path if isinstance(path, str) else ", ".join(path[:_NAMED])
            other = "NAME, as in rnncli help tasks"
            note(f"{called} looks like {why}, so the task is {name}; another one: --set task={other}")
            return Guess(name, why, {"task": name, "data": {"path": path}})
    return None


def guessed(path: Paths | Source, source: Source, overrides: Sequence[str], command: str = "train") -> Guess:
    """Return what the data file `path` is for, with a note of what it looks like.

    `task` among the overrides decides, and so does data.format. Values that depend on the data (columns, season,
    horizon, …) stay null where the task itself fills them in. UsageError with the calls of `command` to choose from if
    the file may be for several tasks.
    """
    given = given_keys(overrides)
    data = given.get("data")
    data = data if isinstance(data, dict) else {}
    named = given.get("task")
    if named is not None and named not in TASKS:
        return Guess(str(named), None, {"task": named})  # which the config refuses
    called = "standard input" if source.name == STDIN else source.name
    look = look_at(source, _form(data), _dialect(data))
    if look.whole and not any(line.strip() for line in look.lines):
        raise DataError(f"{source.name}: is empty; give it a text, a table, or an example a line")
    if named is None:
        named = path if isinstance(path, list) else [path if isinstance(path, str) else source.name]
        words = ["rnncli", command, *map(quoted, named), *(f"--set {quoted(text)}" for text in overrides)]
        name, found, other = _choice(" ".join(words), look, given)
        why = f"{called} looks like {found.why}, so " if found else f"{called}: "
        table = "; as a table: --set data.format=csv" if _may_be_a_table(look) else ""
        note(f"{why}the task is {name}; another one: --set task={other}{table}")
    else:
        name, found = str(named), TASKS[str(named)].recognised(look)
        note(f"{called} looks like {found.why}; the task is {name}" if found else f"{called}: the task is {name}")
    if found and look.whole and not any(UNDECODED in line for line in look.lines):  # which the reader names first
        _require_enough(source.name, found)
    read = dict(found.data) if found else {}
    marks = {"thousands": "between thousands", "decimal": "for decimals"}
    if told := [f"{shown(read[key])} {what}" for key, what in marks.items() if key in read and key not in data]:
        note(f"numbers are read with {', '.join(told)}")
    if any(key in data for key in _ROLES):
        read = {key: value for key, value in read.items() if key not in (*_ROLES, "header")}
    return Guess(
        name,
        found.why if found else None,
        {"task": name, "data": {"path": None if isinstance(path, Source) else path, **read}},
    )


def _require_enough(name: str, found: Recognised) -> None:
    """Raise DataError if examples, or rows, are too few or too much alike to learn what holds for others."""
    inputs, unit = found.inputs or (), found.unit
    if 0 < len(inputs) < _FEWEST:
        units = unit if len(inputs) == 1 else f"{unit}s"
        raise DataError(
            f"{name}: has {len(inputs)} {units}, which a model can learn by heart but not learn from; give at least "
            f"{_FEWEST}, better hundreds"
        )
    if len(set(inputs)) == 1:
        raise DataError(
            f"{name}: all {unit}s are alike in what a model reads, so there is nothing to learn; give others"
        )


def _may_be_a_table(look: Look) -> bool:
    """True for what was taken for lines of text, though all have as many of a mark that may stand between columns."""
    lines = [line for line in look.lines if line.strip()]
    counts = [{line.count(mark) for line in lines} for mark in ",;\t"]
    return look.form is None and look.table is None and any(len(some) == 1 and some != {0} for some in counts)


def _form(data: Mapping[str, Any]) -> str | None:
    """Return data.format, if it is a text."""
    form = data.get("format")
    return form if isinstance(form, str) else None


def _dialect(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a table is read by the keys of `data` that are given, or by defaults if the config will refuse one."""
    given = {key: data[key] for key in DIALECT if key in data}
    try:
        return TableConfig.model_validate(given).dialect
    except ValidationError:
        return TableConfig().dialect


def _choice(command: str, look: Look, given: Mapping[str, Any]) -> tuple[str, Recognised | None, str]:
    """Return the task that recognises the file most surely, of those that have all keys given; the reason; and another
    task. UsageError where two are as sure, or none is, with the `command` to be completed."""
    all_found = {name: one for name, task in TASKS.items() if (one := task.recognised(look)) is not None}
    able = [name for name, task in TASKS.items() if _has_keys(task, given)] or list(TASKS)
    found = {name: one for name, one in all_found.items() if name in able}
    if not found and len(able) == 1:
        return able[0], None, "NAME"
    if not found and look.problem:
        raise look.problem
    if not found and all_found:
        choices = [f"{command} --set task={name}" for name in able]
        raise UsageError(
            f"{look.name}: several tasks have all keys that are given; choose one: {', or '.join(choices)}"
        )
    if not found:
        columns = ", ".join(shown(str(one.key)) for one in look.columns)
        choices = [f"{command} --set task={keys}" for keys in _possible(look)]
        raise UsageError(
            f"{look.name}: is a table, and nothing in its columns ({columns}) tells what to learn from it; choose: "
            f"{', or '.join(choices)}"
        )
    best = max(one.certainty for one in found.values())
    equal = {name: one for name, one in found.items() if one.certainty == best}
    if len(equal) > 1:
        choices = [f"{command} --set task={name} ({one.why})" for name, one in equal.items()]
        raise UsageError(f"{look.name}: may be for several tasks; choose one: {', or '.join(choices)}")
    name, *others = sorted(found, key=lambda name: -found[name].certainty)
    if name == "language-model" and look.form is None and len(able) > 1:
        _refuse_json(look, command)
    if others and found[others[0]].certainty == CONCEIVABLE:
        others[0] += f" for {found[others[0]].why}"
    others.append("NAME, as in rnncli help tasks" if look.table or name == "language-model" else "language-model")
    return name, found[name], others[0]


def _refuse_json(look: Look, command: str) -> None:
    """Raise UsageError for JSON, which is more likely a table, or examples, than a text to learn."""
    text = "\n".join(look.lines)
    if is_json(text, whole=look.whole):
        start = "".join(text[:_START].split())[:2]
        each = ".[] | " if start in ("[{", "[[") else ""
        columns = "[.NAME, .OTHER] | " if "{" in start else ""
        raise UsageError(
            f"{look.name}: JSON is not read as a table; write CSV, such as with jq -r "
            f"'{each}{columns}@csv', or learn it as text: {command} --set task=language-model"
        )


def _possible(look: Look) -> list[str]:
    """Return what a table may be for by the kinds of its columns: a task, with keys whose columns are to be named."""
    numbers = any(column.measured for column in look.columns)
    words = sum(not column.measured and not column.time for column in look.columns)
    found = ["forecast"] if numbers else []
    if words:
        found += [f"{name} --set data.text=NAME --set data.label=NAME" for name in ("classify", *["regress"] * numbers)]
    if words > 1:
        found.append("seq2seq --set data.source=NAME --set data.target=NAME")
    return found or ["forecast"]


def _has_keys(task: Task, given: Mapping[str, Any]) -> bool:
    """True if the task has all these keys of sections."""
    sections = {section: keys for section in SECTIONS if isinstance(keys := given.get(section), dict)}
    return all(key in keys_of(task.config, section) for section, keys in sections.items() for key in keys)
