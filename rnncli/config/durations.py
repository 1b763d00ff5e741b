"""Durations as people write them: `8s`, `10m`, `1h30m`."""

from __future__ import annotations

import re

# Nine digits hold thirty years of seconds; more is a slip, and would overflow somewhere later.
DURATION = re.compile(r"(?=[0-9])(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")


def parse_duration(text: str) -> float:
    """The seconds in `text`: whole hours, minutes and seconds, in that order, more than 0 together.

    Raises ValueError, whose text completes the sentence "max_time is ...; ".
    """
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError("must be a duration such as 8s, 10m or 1h30m")
    hours, minutes, seconds = (int(group or 0) for group in match.groups())
    total = 3600 * hours + 60 * minutes + seconds
    if total == 0:
        raise ValueError("must be longer than 0 seconds")
    return float(total)
