"""Whether a text is JSON, which no table is read from."""

from __future__ import annotations

import json
import re

_SPACE = re.compile(r"\s*")
_BEGINS = re.compile(r'\s*(?:\[\s*)?\{\s*"')


def is_json(text: str, *, whole: bool) -> bool:
    """True if `text` is objects or lists of JSON, one after another; where it is not the `whole` text, if it begins
    with objects and breaks off in one."""
    decoder, text, place = json.JSONDecoder(), text.strip(), 0
    while place < len(text):
        if text[place] not in "[{":
            return False
        try:
            _, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return not whole and _BEGINS.match(text, place) is not None
        place = _SPACE.match(text, end).end()  # type: ignore[union-attr]  # it matches everywhere
    return bool(text)
