"""What `rnncli tune` searches: ranges and lists of values of config keys, as the command line or a config has them.

    key=LOW..HIGH             a range, both ends included
    key=LOW..HIGH:log         the same, as many values drawn between 1 and 10 as between 10 and 100
    key=LOW..HIGH:step=16     LOW, LOW + 16, … up to HIGH
    key=a,b,c or [a, b, c]    a list

Each end, and each value of a list, must be what the config accepts there; so a misspelt key or a value out of bounds
is refused before anything runs, in the words of the config.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from rnncli.config.loading import dump_value
from rnncli.config.problems import Place, Problem, raise_all
from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS, Config
from rnncli.config.yaml_document import parse_scalar
from rnncli.errors import ConfigError, shown
from rnncli.tasks.registry import config_from_mapping

_RANGE = re.compile(r"(?P<low>[^:]*?)\.\.(?P<high>[^:]*)(?::(?P<how>.*))?")
_NO_USE = {
    "training.seed": "is the same for all trials, and the best are trained from others at the end; leave it out",
    "training.threads": "does not decide what is learnt; leave it out",
    "training.max_time": "is the time of each trial; search training.epochs, or limit the search with --max-time",
    "training.loss": "decides in what trials are measured, so that they would not compare; leave it out",
}
_OF_DATA = "decides what is learnt from and scored on, so that trials would not compare; leave it out"
_SEARCHED_DATA = ("data.context",)
_LIST = "a list, such as gru,lstm, or a range, such as 16..256, 5e-4..1e-2:log or 0..0.5:step=0.1"
_MOST = 100  # keys, and values in a list
_MOST_STEPS = 1_000_000  # of a range


@dataclass(frozen=True)
class Range:
    """A range with both ends; whole: of whole numbers; step: 0 for none."""

    low: float
    high: float
    whole: bool
    log: bool = False
    step: float = 0

    def text(self) -> str:
        """Return the range as `--over` takes it."""
        how = ":log" if self.log else f":step={dump_value(self.step)}" if self.step else ""
        return f"{dump_value(self.low)}..{dump_value(self.high)}{how}"


@dataclass(frozen=True)
class Choice:
    """A list of values."""

    values: tuple[Any, ...]

    def text(self) -> str:
        """Return the list as `--over` takes it."""
        return ",".join(map(dump_value, self.values))


Space = Mapping[str, Range | Choice]
"""What to search, by `section.key`."""


def texts(space: Space) -> dict[str, str]:
    """Return the space in words that give it again."""
    return {key: one.text() for key, one in space.items()}


def given_space(over: Sequence[str]) -> tuple[dict[str, Any], Callable[[str], Place]]:
    """Return what `--over KEY=VALUES` says by key, and the place of each; ConfigError for what is of another form."""
    found: dict[str, str] = {}
    problems = []
    for text in over:
        key, equals, values = (word.strip() for word in text.partition("="))
        place = Place(f"--over {shown(text)[1:-1]}")
        if not (key and equals and values):
            problems.append(Problem(place, f"not of the form KEY=VALUES; write behind the key {_LIST}"))
        elif key in found:
            problems.append(Problem(place, f"{key} is searched twice; give it once"))
        else:
            found[key] = values
    if problems:
        raise_all(problems)
    return found, lambda key: Place(f"--over {shown(f'{key}={found[key]}')[1:-1]}")


def read_space(given: Mapping[str, Any], config: Config, place_of: Callable[[str], Place]) -> dict[str, Range | Choice]:
    """Return the space over keys of this config; ConfigError that lists all that is wrong with it."""
    if len(given) > _MOST:
        raise ConfigError(f"tune searches {len(given):,} keys; search at most {_MOST}")
    problems, space = [], {}
    for key, values in given.items():
        try:
            space[key] = _checked(key, _read(key, values), config)
        except ValueError as error:
            problems += [Problem(place_of(key), text) for text in str(error).split("\n")]
    if problems:
        raise_all(problems)
    return space


def _read(key: str, values: Any) -> Range | Choice:
    """Return a range or a list of which nothing is checked but its form."""
    if isinstance(values, str) and ".." in values:
        return _range(key, values)
    words = _words(values) if isinstance(values, str) else values if isinstance(values, list) else [values]
    found = [parse_scalar(word.strip()) if isinstance(word, str) else word for word in words]
    if any(isinstance(one, (dict, list)) for one in found) or any(word == "" for word in words):
        raise ValueError(f"{key}: {_form(values)} is not what can be searched; write {_LIST}")
    if len(found) < 2:
        raise ValueError(f"{key} has one value, {_form(values)}; write {_LIST}, or --set {key}={_form(values)}")
    if len(found) > _MOST:
        raise ValueError(f"{key} has {len(found):,} values; list at most {_MOST}, or give a range")
    if twice := [one for i, one in enumerate(found) if (type(one), one) in [(type(two), two) for two in found[:i]]]:
        raise ValueError(f"{key} has {dump_value(twice[0])} twice; list each value once")
    return Choice(tuple(found))


def _words(text: str) -> list[str]:
    """Return the words of a list, which may stand in brackets as in a config."""
    text = text.strip()
    return (text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text).split(",")


def _form(values: Any) -> str:
    return shown(values)[1:-1] if isinstance(values, str) else "a section" if isinstance(values, dict) else f"{values}"


def _range(key: str, text: str) -> Range:
    match = _RANGE.fullmatch(text)
    low, high = (_number(match[end]) if match else None for end in ("low", "high"))
    if match is None or low is None or high is None:
        raise ValueError(f"{key}: {_form(text)} is no range of numbers; write {_LIST}")
    if not low < high:
        raise ValueError(f"{key}: the range {_form(text)} ends where it begins, or before; write the lower end first")
    how = (match["how"] or "").strip()
    step = _number(how.removeprefix("step=")) if how.startswith("step=") else 0
    if step is None or not (how in ("", "log") or 0 < step <= high - low):
        raise ValueError(f"{key}: {_form(how)} does not go with {low}..{high}; a range may end in :log or in :step=16")
    if how == "log" and low <= 0:
        raise ValueError(f"{key}: a range that is :log begins above 0; write such as 1e-4..{high}:log")
    if step and (high - low) / step > _MOST_STEPS:
        raise ValueError(f"{key}: {_form(text)} has more than {_MOST_STEPS:,} steps; leave :{how} out, or step further")
    whole = all(isinstance(one, int) for one in (low, high, step))
    return Range(low, high, whole, how == "log", step)


def _number(text: str) -> float | None:
    """Return the finite number that a word is, whole if it is written so; None for any other word."""
    value = parse_scalar(text.strip())
    return value if isinstance(value, (int, float)) and type(value) is not bool and math.isfinite(value) else None


def _checked(key: str, found: Range | Choice, config: Config) -> Range | Choice:
    """Return the range or list with the type that the config has there; ValueError where it does not take it."""
    values = found.values if isinstance(found, Choice) else (found.low, found.high)
    refusals = dict.fromkeys(text for value in values for text in _refusals(f"{key}={dump_value(value)}", config))
    if refusals:
        raise ValueError("\n".join(refusals))
    section = key.partition(".")[0]
    if section not in SECTIONS:
        raise ValueError(f"{key} is the same for all trials; search keys of model and training")
    if key in _NO_USE or (section == "data" and key not in _SEARCHED_DATA):
        raise ValueError(f"{key} {_NO_USE.get(key, _OF_DATA)}")
    if isinstance(found, Choice) or not _takes_fractions(keys_of(type(config), section)[key.partition(".")[2]]):
        return found
    return Range(float(found.low), float(found.high), False, found.log, float(found.step))


def _refusals(override: str, config: Config) -> list[str]:
    """Return what the config says against a key and a value, without the place."""
    try:
        config_from_mapping(config.model_dump(), [override])
    except ConfigError as error:
        return [text.removeprefix(f"--set {shown(override)[1:-1]}: ") for text in error.problems]
    return []


def _takes_fractions(kind: Any) -> bool:
    """True if the type of a key, or a type within it, is float."""
    inner = [kind.annotation] if hasattr(kind, "annotation") else get_args(kind)
    return any(one is float or _takes_fractions(one) for one in inner)


def usual_space(config: Config) -> dict[str, Range | Choice]:
    """Return what is searched where nothing is said, around a config without nulls: the learning rate, the size of the
    layers, and dropout between several or else the number of them."""
    rate, size = config.training.learning_rate, config.model.hidden_size
    space: dict[str, Range | Choice] = {
        "training.learning_rate": Range(_short(rate / 4), _short(rate * 4), False, log=True),
        "model.hidden_size": Range(max(1, size // 2), max(2, size * 2), True, log=True),
    }
    if config.model.num_layers > 1:
        return space | {"model.dropout": Range(0.0, 0.5, False)}
    return space | {"model.num_layers": Choice((1, 2))}


def _short(value: float) -> float:
    return float(f"{value:.2g}")


def written(value: Any, within: Range | Choice) -> Any:
    """Return a value as people write it, in the range: a fraction with three significant digits, one that steps lead to
    without what adding them leaves behind; any other as it is."""
    if isinstance(within, Choice) or within.whole:
        return value
    return min(max(float(f"{value:.{12 if within.step else 3}g}"), within.low), within.high)
