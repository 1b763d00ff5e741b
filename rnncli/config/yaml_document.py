"""A strict YAML reader: text to plain values, each with its line and column, without YAML's usual traps.

The tree is built here from PyYAML's stream of events, never by its constructors: nothing in a file can
run code, share a node, nest without bound, or silently overwrite a key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from rnncli.config.problems import MAX_LISTED, REFUSED, Path, Place, Position, Problem, raise_all
from rnncli.errors import shown

Scalar = bool | int | float | str | None

CONSTANTS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
    ".nan": math.nan,
    ".inf": math.inf,
    "+.inf": math.inf,
    "-.inf": -math.inf,
}
INTEGER = re.compile(r"[-+]?[0-9]+")
LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
MAX_DIGITS = 100  # Python refuses to convert above 4,300 digits; no key takes even 20


def parse_scalar(text: str) -> Scalar:
    """Return the value of the unquoted word `text`, as in a YAML file or after `--set key=`.

    Raises ValueError for an integer that is too long, or has a leading zero, which YAML 1.1 may read as octal.
    """
    if text.lower() in CONSTANTS:
        return CONSTANTS[text.lower()]
    if INTEGER.fullmatch(text):
        return _integer(text)
    if FLOAT.fullmatch(text):
        return float(text)
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits is too long; at most {MAX_DIGITS} are accepted")
    if LEADING_ZERO.fullmatch(text):
        raise ValueError(_leading_zero_message(text, digits))
    return int(text)


def _leading_zero_message(text: str, digits: str) -> str:
    is_octal = not set(digits) & {"8", "9"}
    reading = f", which YAML 1.1 would read as octal {int(text, 8)}" if is_octal else ""
    return f"{text} has a leading zero{reading}; write {int(text)}, or {shown(text)} in quotes if it is text"


__all__ = ["MAX_BYTES", "MAX_DEPTH", "Document", "parse", "parse_scalar"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # as YAML counts lines
YAML_NAMESPACE = "tag:yaml.org,2002:"  # what `!!` is short for


@dataclass
class Document:
    """A parsed file: `value` is its tree of dicts, lists and scalars."""

    where: str
    value: dict[str, Any] = field(default_factory=dict)
    value_positions: dict[Path, Position] = field(default_factory=dict)
    key_positions: dict[Path, Position] = field(default_factory=dict)
    lines: Sequence[str] = ()

    def position(self, path: Path) -> Position:
        """The line and column of the value at `path`, or, if there is no value, of its key or the nearest section."""
        return self.value_positions.get(path) or self.key_position(path)

    def key_position(self, path: Path) -> Position:
        """The line and column of the key that ends `path`, or of the nearest section if the key is not written."""
        if path in self.key_positions:
            return self.key_positions[path]
        return self.position(path[:-1]) if path else (1, 1)

    def place(self, path: Path, at_key: bool = False) -> Place:
        """The place `FILE:LINE:COL` of the value at `path`, or of its key if `at_key`."""
        return self.place_at(self.key_position(path) if at_key else self.position(path))

    def place_at(self, position: Position) -> Place:
        """The place `FILE:LINE:COL`, with its line."""
        line = self.lines[position[0] - 1] if position[0] <= len(self.lines) else ""
        return place_in(self.where, position, line)


def parse(text: str, where: str, problems: list[Problem] | None = None) -> Document:
    """Return the one YAML document in `text`, whose root is a mapping; `where` names the file in messages.

    Mistakes that leave the rest readable (a duplicate key, a tag) are appended to `problems`, and REFUSED
    stands in the tree for a value that could not be read. Without `problems` they are raised too.
    Raises ConfigError if the text cannot be read to its end.
    """
    found: list[Problem] = [] if problems is None else problems
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise_all([Problem(Place(where), f"larger than {MAX_BYTES:,} bytes; is this a config file?")])
    builder = _TreeBuilder(text, where, found)
    try:
        builder.read_document()
    except yaml.YAMLError as error:
        raise_all([*found, _syntax_problem(error, text, builder.document)])
    except (ValueError, OverflowError):
        # PyYAML converts \U escapes and %YAML version numbers without checking their range.
        builder.fail("not valid YAML: a number or escape near here is out of range")
    if found and problems is None:
        raise_all(found)
    return builder.document


def place_in(where: str, position: Position, line: str = "") -> Place:
    """The place `where:LINE:COL`."""
    return Place(f"{where}:{position[0]}:{position[1]}", position, line)


class _TreeBuilder:
    """Turns events into a Document, one method for each kind of node."""

    def __init__(self, text: str, where: str, problems: list[Problem]):
        self.document = Document(where, lines=_LINE_END.split(text))
        self.problems = problems
        self.events: Iterator[Any] = yaml.parse(text, Loader=yaml.SafeLoader)
        self.last_position: Position = (1, 1)

    def read_document(self) -> None:
        """Reads the whole stream: its start, one document, its end."""
        self.next_event()
        if isinstance(self.next_event(), yaml.StreamEndEvent):
            self.fail("the file is empty; it needs at least a task: line")
        root = self.next_event()
        if isinstance(root, yaml.ScalarEvent) and not root.value:
            self.fail("the file is empty; it needs at least a task: line")
        if isinstance(root, (yaml.ScalarEvent, yaml.SequenceStartEvent)):
            kind = "a list" if isinstance(root, yaml.SequenceStartEvent) else "a single value"
            self.fail(f"the file holds {kind}; a config is made of keys, such as task: forecast")
        value = self.node(root, ())
        if value is REFUSED:
            raise_all(self.problems)  # without its root, all the rest would be reported as missing
        self.document.value = value
        self.next_event()
        if not isinstance(self.next_event(), yaml.StreamEndEvent):
            self.fail("a second document starts here; a config is one document")

    def node(self, event: Any, path: Path) -> Any:
        """Return the value that starts with `event`, or REFUSED if it uses YAML that a config may not."""
        if len(path) > MAX_DEPTH:
            self.fail(f"nested more than {MAX_DEPTH} levels deep")
        self.document.value_positions[path] = _position(event)
        if isinstance(event, yaml.AliasEvent):
            self.report(event, "aliases are not allowed; write the value out")
            return REFUSED
        allowed = self.is_allowed(event)
        if isinstance(event, yaml.MappingStartEvent):
            value: Any = self.mapping(path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self.sequence(path)
        else:
            value = self.scalar(event, path)
        return value if allowed else REFUSED

    def mapping(self, path: Path) -> dict[str, Any]:
        value: dict[str, Any] = {}
        while not isinstance(event := self.next_event(), yaml.MappingEndEvent):
            key = self.key(event, path)
            item_path = (*path, key or "")
            if key is None or self.is_duplicate(event, item_path):
                self.node(self.next_event(), (*path, ""))  # read past the value that belongs to it
                continue
            self.document.key_positions[item_path] = _position(event)
            value[key] = self.node(self.next_event(), item_path)
        return value

    def key(self, event: Any, path: Path) -> str | None:
        """Return the key that starts with `event`; if it is not a word, report a problem and return None."""
        key = self.node(event, (*path, ""))
        if isinstance(key, str) and key:
            return key
        if key in ("", None):
            self.report(event, "a key cannot be empty or null; put it in quotes if it is meant as a word")
        elif isinstance(key, (dict, list)):
            self.report(event, "a list or a section cannot be a key; write a word")
        elif key is not REFUSED:
            self.report(event, f"key {shown(event.value)} is not a word; put it in quotes if it is meant as one")
        return None

    def is_duplicate(self, event: Any, path: Path) -> bool:
        """Return True and report a problem if the section already has this key, whose first value is kept."""
        if path not in self.document.key_positions:
            return False
        first_line = self.document.key_positions[path][0]
        self.report(event, f"key {shown(str(path[-1]))} is already set on line {first_line}; delete one of them")
        return True

    def sequence(self, path: Path) -> list[Any]:
        value: list[Any] = []
        while not isinstance(event := self.next_event(), yaml.SequenceEndEvent):
            value.append(self.node(event, (*path, len(value))))
        return value

    def scalar(self, event: yaml.ScalarEvent, path: Path) -> Any:
        if not event.value and event.implicit[0]:
            del self.document.value_positions[path]  # nothing is written: the key is the place to point at
        try:
            return parse_scalar(event.value) if event.implicit[0] else valid_text(event.value)
        except ValueError as error:
            self.report(event, str(error))
            return REFUSED

    def is_allowed(self, event: Any) -> bool:
        """Report an anchor and a tag, and return True if there is neither."""
        if event.anchor is not None:
            self.report(event, "anchors are not allowed; write each value out where it is used")
        if event.tag is not None:
            tag = event.tag.replace(YAML_NAMESPACE, "!!", 1)
            self.report(event, f"tag {shown(tag)} is not allowed; write the plain value")
        return event.anchor is None and event.tag is None

    def next_event(self) -> Any:
        event = next(self.events)
        self.last_position = _position(event)
        return event

    def report(self, event: Any, message: str) -> None:
        """Record a mistake after which reading can go on; raise ConfigError if there are more than MAX_LISTED."""
        self.problems.append(Problem(self.document.place_at(_position(event)), message))
        if len(self.problems) > MAX_LISTED:
            raise_all(self.problems)

    def fail(self, message: str) -> NoReturn:
        """Raise ConfigError at the newest event, which also lists the mistakes found before it."""
        place = self.document.place_at(self.last_position)
        raise_all([*self.problems, Problem(place, message)])


def valid_text(text: str) -> str:
    """Return `text`; raise ValueError for half a surrogate pair, which no file or terminal can hold."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"{shown(text)} is not valid Unicode text; write the character itself")
    return text


def _position(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _syntax_problem(error: yaml.YAMLError, text: str, document: Document) -> Problem:
    """Return PyYAML's syntax error as a problem at the position that PyYAML marks."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        position = before.count("\n") + 1, error.position - before.rfind("\n")
        character = shown(text[error.position : error.position + 1])
        return Problem(document.place_at(position), f"character {character} is not allowed in YAML; delete it")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    position = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Problem(document.place_at(position), _syntax_message(getattr(error, "problem", None) or ""))


def _syntax_message(complaint: str) -> str:
    if "'\\t'" in complaint:
        return "a tab cannot indent YAML; use spaces"
    if complaint.endswith("but found ':'"):
        return "there is no key before this colon; write one"
    plain = complaint.encode("unicode_escape").decode("ascii")[:100]
    return f"not valid YAML: {plain}; check the indentation, colons, brackets and quotes here"
