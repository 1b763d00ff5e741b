"""Whether a text is JSON, which no table is read from."""

from __future__ import annotations

import json
import re

_BEGINS = re.compile(r'\s*(?:\[\s*)?\{\s*"')


def is_json(text: str, *, whole: bool) -> bool:
    """True if `text` is objects or lists of JSON, one after another; where it is not the `whole` text, if it begins
    with objects and breaks off in one."""
    decoder, place = json.JSONDecoder(), 0
    text = text.rstrip()
    while place < len(text):
        if text[place] not in "[{":
            return False
        try:
            _, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return not whole and _BEGINS.match(text, place) is not None
        place += len(text[place:]) - len(text[place:].lstrip())
    return bool(text)
