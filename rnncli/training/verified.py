"""What `rnncli check RUN` found of a run, one check at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verified:
    """One check of a run. passed: None where it could not be made. found: what was found, or why it was not made."""

    name: str
    passed: bool | None
    found: str
