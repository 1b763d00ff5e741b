"""Reading, checking and writing of configs; all mistakes in one are reported at once, each with line and column."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from rnncli import safe_files
from rnncli.config.chosen import BEFORE
from rnncli.config.explanations import Explanation, described, explanations, of_foreign_key, of_task
from rnncli.config.problems import REFUSED, Path, Place, Problem, raise_all
from rnncli.config.section import is_section, keys_of
from rnncli.config.sections import SECTIONS, C, Config
from rnncli.config.suggestions import similar_sibling
from rnncli.config.values import IS_PATH
from rnncli.config.yaml_document import MAX_BYTES, Document, parse, parse_scalar, place_in, valid_text
from rnncli.errors import ConfigError, MachineError, shown

STANDARD_INPUT = "-"


def resolved(config: C, folder: str) -> C:
    """Return `config`, which was read in `folder`, with data paths that can be opened from the working directory."""
    return _with_paths(config, lambda path: _simplified(os.path.join(folder, path)))


def relative_to(config: C, folder: str) -> C:
    """Return `config` with data paths relative to `folder`; `resolved` in `folder` reverses this.

    Absolute paths stay absolute, so that a config can be moved as far as its author intended.
    """
    base = os.path.realpath(folder)
    return _with_paths(
        config, lambda path: path if os.path.isabs(path) else os.path.relpath(os.path.realpath(path), base)
    )


def data_paths(config: Config) -> dict[str, str | list[str]]:
    """Return the files that the config's `data` names, by key: the texts in keys whose type is a path, except `-`."""
    found = {key: getattr(config.data, key) for key, field in keys_of(type(config), "data").items() if is_path(field)}
    return {key: value for key, value in found.items() if isinstance(value, str | list) and value != STANDARD_INPUT}


def is_path(annotation: Any) -> bool:
    """True if IS_PATH marks the type, or a type within it."""
    inner = [annotation.annotation, *annotation.metadata] if isinstance(annotation, FieldInfo) else get_args(annotation)
    return any(one is IS_PATH or is_path(one) for one in inner)


def _with_paths(config: C, change: Callable[[str], str]) -> C:
    return config.changed(
        data={
            key: [change(path) for path in paths] if isinstance(paths, list) else change(paths)
            for key, paths in data_paths(config).items()
        }
    )


def _simplified(path: str) -> str:
    """Return `path` without `..` if that names the same file; behind a symbolic link it may not."""
    short = os.path.normpath(path)
    return short if os.path.realpath(short) == os.path.realpath(path) else path


class Override(str):
    """An override for which an option of the command line stands; `typed` is that option with its value."""

    typed: str

    def __new__(cls, text: str, typed: str = "") -> Override:
        made = super().__new__(cls, text)
        made.typed = typed
        return made


def apply_overrides(tree: dict[str, Any], overrides: Sequence[str], problems: list[Problem]) -> dict[Path, Place]:
    """Set each override's value in `tree`, in order, and return the place to name in errors about each path set.

    An override that cannot be read is appended to `problems`. The schema checks later whether its key exists.
    """
    places: dict[Path, Place] = {}
    for override in overrides:
        typed = override.typed if isinstance(override, Override) else f"--set {override}"
        place = Place(shown(typed)[1:-1])
        try:
            path, value = _read(override)
        except ValueError as error:
            problems.append(Problem(place, str(error)))
            continue
        if path[0] not in tree:
            places[path[:1]] = place  # a section that only the override names is its own to answer for
        places[path] = place
        _put(tree, path, value)
    return places


NESTED = {("data", "features")}  # sections within a section


def given_keys(overrides: Sequence[str]) -> dict[str, Any]:
    """Return the values in overrides as a tree, without those that cannot be read, which are mistakes of a config."""
    tree: dict[str, Any] = {}
    apply_overrides(tree, overrides, [])
    return tree


def _read(override: str) -> tuple[tuple[str, ...], Any]:
    """Return the path and the value in `section.key=value`; raise ValueError if it cannot be read."""
    key, equals, text = override.partition("=")
    path = tuple(name.strip() for name in key.split("."))
    if not equals or len(path) > 2 + (path[:2] in NESTED) or not all(path):
        raise ValueError("not of the form section.key=value; write, for example, --set model.hidden_size=256")
    valid_text(override)
    return path, _value(text.strip())


def _value(text: str) -> Any:
    """Return a word, a quoted text, a list in brackets or a section in braces, read as in YAML; raise ValueError if it
    cannot be read."""
    if text[:1] not in ("[", "{", '"', "'"):
        return parse_scalar(text)
    try:
        return parse(f"value: {text}", "--set").value["value"]
    except ConfigError:
        raise ValueError("the quotes or brackets do not match; write a list as [a, b], a section as {a: 1}") from None


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set the value at `path`, one to three keys long, and create its sections where there are none."""
    *sections, key = path
    section: Any = tree
    for name in sections:
        if not isinstance(section, dict):
            return
        if section.get(name) is None:
            section[name] = {}
        section = section[name]
    if isinstance(section, dict):  # otherwise the schema reports that the file has no section there
        section[key] = value


Schemas = Mapping[str, type[Config]]
"""The config of each task, by the task's name."""


def load_config(
    path: str | os.PathLike[str], schemas: Schemas, overrides: Sequence[str] = (), *, in_run: bool = False
) -> Config:
    """Return the config in the YAML file at `path`, changed by `overrides` (`section.key=value`).

    Data paths, in the file or in an override, are relative to the file's folder; they are returned usable from
    the working directory. in_run: True where the user named the run directory and not this file, which must then be no
    link. Raises ConfigError that lists every problem.
    """
    path = os.fspath(path)
    problems: list[Problem] = []
    document = _document(path, problems, in_run=in_run)
    config = _validated(document.value, schemas, overrides, document.place, problems)
    return resolved(config, os.path.dirname(path))


def written_in_run(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the keys and values that stand in the config of a run, which `load_config` takes."""
    return _document(os.fspath(path), None, in_run=True).value


def _document(path: str, problems: list[Problem] | None, *, in_run: bool) -> Document:
    where = path if path.isprintable() else shown(path)
    return parse(_read_text(path, where, in_run=in_run), where, problems)


@dataclass(frozen=True)
class Sound:
    """What holds of a config with mistakes: `config` without the keys that have one, None where not even the task is
    known; the `problems`; and the `document`, whose places further problems may have."""

    config: Config | None
    problems: list[Problem]
    document: Document


def load_what_is_sound(
    path: str, schemas: Schemas, overrides: Sequence[str] = (), without: Collection[Path] = ()
) -> Sound:
    """Return what `load_config` does, but go on after mistakes, which are returned; `without` these keys of the file.

    Raises ConfigError where the file cannot be read as YAML.
    """
    where = path if path.isprintable() else shown(path)
    problems: list[Problem] = []
    document = parse(_read_text(path, where), where, problems)
    tree = {key: dict(value) if isinstance(value, dict) else value for key, value in document.value.items()}
    places = apply_overrides(tree, overrides, problems)
    for key in [*without, *_refused(tree)]:
        _remove(tree, key)
    config, told = None, set[str]()
    while config is None:
        whole = {key: dict(value) if isinstance(value, dict) else value for key, value in tree.items()}
        config, found = _checked(whole, schemas)
        for key, message, at_key in found:
            if message not in told:
                problems.append(Problem(places.get(key) or document.place(key, at_key), message))
            told.add(message)
            _remove(tree, key)
        if ("task",) in [key for key, *_ in found] or not found:
            break
    folder = os.path.dirname(path)
    return Sound(None if config is None or "task" not in tree else resolved(config, folder), problems, document)


def _refused(tree: Mapping[str, Any]) -> list[Path]:
    """Return the keys whose values were refused when the YAML was read."""
    inner = [(name, key) for name, section in tree.items() if isinstance(section, dict) for key in section]
    own = [(name,) for name, value in tree.items() if value is REFUSED]
    return [*own, *(path for path in inner if _has_refused(tree[path[0]][path[1]]))]


def _has_refused(value: Any) -> bool:
    return value is REFUSED or (isinstance(value, (list, dict)) and any(map(_has_refused, value)))


def _remove(tree: dict[str, Any], path: Path) -> None:
    """Remove the key of a section, or the section, in which `path` lies."""
    section = tree.get(str(path[0]))
    if len(path) > 1 and isinstance(section, dict):
        section.pop(path[1], None)
    else:
        tree.pop(str(path[0]), None)


def config_from_mapping(
    mapping: Mapping[str, Any], schemas: Schemas, overrides: Sequence[str] = (), where: str = "config"
) -> Config:
    """Return the config in plain values, such as those inferred from a data file or kept in a model file.

    `where` names their origin in messages. Paths are left as they are.
    Raises ConfigError that lists every problem.
    """
    if not isinstance(mapping, dict):  # what a damaged model file may hold
        raise ConfigError(f"{where}: {described(mapping)} is not a config; it must be a mapping of keys")
    return _validated(mapping, schemas, overrides, lambda path, at_key: Place(where, (0, 0)), [])


def dump_config(config: Config, folder: str = "") -> str:
    """Return YAML text that `load_config` reads back as an equal config from a file in `folder`.

    Every key is written, in the order of the schema. Without `folder` the file belongs in the working directory,
    and relative data paths are written as they are.
    """
    placed = relative_to(config, folder) if folder else config
    return yaml.dump(placed.model_dump(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def dump_value(value: Any) -> str:
    """Return a value as it stands behind its key, in one line."""
    text: str = yaml.dump([value], Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=float("inf"))
    return text.strip()[1:-1]


def _validated(
    mapping: Mapping[str, Any],
    schemas: Schemas,
    overrides: Sequence[str],
    place_of: Callable[[Path, bool], Place],
    problems: list[Problem],
) -> Config:
    """Return the checked config; raise ConfigError with its problems and those already in `problems`."""
    tree = {key: dict(value) if isinstance(value, dict) else value for key, value in mapping.items()}
    override_places = apply_overrides(tree, overrides, problems)
    config, found = _checked(tree, schemas)
    for path, message, at_key in found:
        place = override_places.get(path) or override_places.get(path[:2])
        problems.append(Problem(place or place_of(path, at_key), message))
    if config is None or problems:
        raise_all(problems)
    return config


def _checked(tree: dict[str, Any], schemas: Schemas) -> tuple[Config | None, list[Explanation]]:
    """Return (config or None, mistakes) for the named task; for no known task, check only the keys that all have."""
    named = tree.get("task")
    schema = schemas.get(named) if isinstance(named, str) else None
    found = list(_set_aside(tree, schema, schemas))
    if schema is None:
        found += [] if named is REFUSED else [of_task(tree, list(schemas))]
        tree, schema = tree | {"task": ""}, Config
    try:
        return schema.model_validate(tree), found
    except ValidationError as error:
        return None, [*found, *explanations(error, schema)]


def _set_aside(tree: dict[str, Any], schema: type[Config] | None, schemas: Schemas) -> Iterator[Explanation]:
    """Remove the keys that only other tasks have, and yield a mistake for each whose value is not the default there.

    Defaults are accepted because a config of version 0.1 has all keys of all tasks.
    """
    for section in SECTIONS:
        keys, own = tree.get(section), keys_of(schema or Config, section)
        if not isinstance(keys, dict):
            continue
        for key in [key for key in keys if key not in own]:
            fields = {task: keys_of(other, section).get(key) for task, other in schemas.items()}
            owners = {task: field for task, field in fields.items() if field is not None}
            if not owners:
                continue
            value = keys.pop(key)
            usual = any(_is_default(value, field) for field in owners.values())
            if schema is not None and not usual and value is not REFUSED:
                yield of_foreign_key((section, key), schema, tree["task"], list(owners))


def _is_default(value: Any, field: FieldInfo) -> bool:
    """Return True if the value is the default of a key, or was it in version 0.1."""
    before = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    usual = field.annotation().model_dump() if field.annotation and is_section(field) else field.default
    defaults = (usual, *(before[key] for key in (BEFORE,) if key in before))
    return any(type(default) is type(value) and default == value for default in defaults)


def _read_text(path: str, where: str, *, in_run: bool = False) -> str:
    content = _read_bytes(path, where, in_run=in_run)
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{where}: larger than {MAX_BYTES:,} bytes; is this a config file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        position = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        byte = content[error.start]
        raise ConfigError(
            f"{place_in(where, position).text}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
        ) from None


def _read_bytes(path: str, where: str, *, in_run: bool) -> bytes:
    try:
        with safe_files.open_regular(FilePath(path)) if in_run else open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        mend = similar_sibling(path, lambda sibling: sibling.lower().endswith((".yaml", ".yml")))
        raise ConfigError(f"{where}: no such file{mend or '; check the path of the config'}") from None
    except IsADirectoryError:
        raise ConfigError(f"{where}: is a folder; name a YAML file in it") from None
    except (PermissionError, NotADirectoryError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{where}: cannot be read: {reason}; check the path and its permissions") from None
    except OSError as error:
        raise MachineError(f"{where}: cannot be read: {(error.strerror or '').lower()}; check the disk") from None


class _Dumper(yaml.SafeDumper):
    """A YAML writer that quotes every text that our own rules for unquoted words would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if _is_plain_word(text) else '"')


def _is_plain_word(text: str) -> bool:
    try:
        return text.isprintable() and parse_scalar(text) == text
    except ValueError:
        return False


_Dumper.add_representer(str, _represent_text)
