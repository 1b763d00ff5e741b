"""Which of the codecs that Python knows by a name are encodings of files."""

from __future__ import annotations

import codecs

# Names of domains and escapes in source code: no text file is in them, and they cannot tell which byte is at fault.
_OF_NO_FILES = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}


def canonical(encoding: str) -> str:
    """Return Python's own name of a text encoding; ValueError if `encoding` names none that files are in."""
    try:
        name = codecs.lookup(encoding).name
        b" ".decode(encoding, "replace")  # fails for what makes no text, such as hex or zip
    except LookupError:
        raise ValueError(encoding) from None
    if name in _OF_NO_FILES:
        raise ValueError(encoding)
    return name
