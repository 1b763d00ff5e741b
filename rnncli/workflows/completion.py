"""completion: what may stand at a place of a command line, found without loading numpy, pydantic or a model."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from glob import escape, glob
from itertools import islice

from rnncli.workflows.help import DOCS, topics

MOST = 500  # candidates of a kind; nobody reads more
_KEY = re.compile(r"^### (?P<key>\S+\.\S+)\n(?P<rows>.*?)(?=^#|\Z)", re.M | re.S)
_CHOICES = re.compile(r"^\| [^|]+ \| ((?:`[^`|]+`(?:, )?)+)", re.M)


def candidates(place: str, begun: str) -> list[str] | None:
    """Return what may stand at a place that help calls `place`, such as RUN|CONFIG, and begins with `begun`.

    None leaves it to the shell to complete a file.
    """
    kinds = set(re.findall(r"[A-Z]+", place))
    found = [name for kind, names in KINDS.items() if kind in kinds for name in islice(names(begun), MOST)]
    if kinds & {"DATA", "FILE"} or (kinds & {"RUN", "CONFIG"} and not found):
        return None
    return found


def _settings(begun: str) -> Iterator[str]:
    """Yield the keys that begin so, each with its =; behind that, the values of a key that has a list of them."""
    key, equals, _ = begun.partition("=")
    for section in _KEY.finditer((DOCS / "config.md").read_text(encoding="utf-8")):
        if not equals:
            names: Iterable[str] = [f"{section['key']}="]
        elif section["key"] == key:
            names = (
                f"{key}={name}"
                for row in _CHOICES.findall(section["rows"])
                for name in row.replace("`", "").split(", ")
            )
        else:
            continue
        yield from (name for name in names if name.startswith(begun))


def _topics(begun: str) -> Iterator[str]:
    yield from (topic for topic in topics() if topic.startswith(begun) and " " not in topic)


def _runs(begun: str) -> Iterator[str]:
    """Yield the folders with a model in them, at most one folder deeper than what was begun."""
    for pattern in ("*", "*/*"):
        for path in sorted(glob(f"{escape(begun)}{pattern}/model.safetensors")):
            yield os.path.dirname(path)


def _configs(begun: str) -> Iterator[str]:
    """Yield the YAML files, at most one folder deeper than what was begun; not those of runs."""
    for pattern in ("*.yaml", "*.yml", "*/*.yaml", "*/*.yml"):
        for path in sorted(glob(f"{escape(begun)}{pattern}")):
            if not os.path.exists(os.path.join(os.path.dirname(path), "model.safetensors")):
                yield path


KINDS: dict[str, Callable[[str], Iterator[str]]] = {
    "KEY": _settings,
    "TOPIC": _topics,
    "RUN": _runs,
    "CONFIG": _configs,
}
"""What completes each word of a place, in the order in which it is offered."""
