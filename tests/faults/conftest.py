"""Attacks run the command as the tests of the command do, with `cli_runs` of their folder."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "cli"))
