"""rnncli as a user runs it, for the figures of quality.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETS: list[str] = []  # KEY=VALUE for every training, after its own


def rnncli(*arguments: str | Path, stdin: Path | None = None) -> str:
    """Standard output of one command."""
    sets = [part for one in SETS for part in ("--set", one)] if arguments[0] == "train" else []
    command = [sys.executable, "-m", "rnncli", *map(str, arguments), *sets]
    with open(stdin or "/dev/null", "rb") as given:
        return subprocess.run(command, check=True, stdin=given, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
