"""Inputs that users brought, one folder each with cmd.sh and expected.txt: runs them all and shows both side by side.

    python tests/bench/cases.py FOLDER [NAME ...]

Each folder is copied first, so that FOLDER may be read-only. What must come out is for people to read.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    for case in sorted(path for path in arguments.folder.iterdir() if (path / "cmd.sh").is_file()):
        if arguments.names and case.name not in arguments.names:
            continue
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place) / case.name
            shutil.copytree(case, copy)
            script = Path(place) / "rnncli"
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rnncli "$@"\n', encoding="utf-8")
            script.chmod(0o755)
            environment = os.environ | {"PATH": f"{place}{os.pathsep}{os.environ['PATH']}"}
            done = subprocess.run(
                ["bash", str(copy / "cmd.sh")], env=environment, capture_output=True, text=True, timeout=600
            )
        print(f"== {case.name}\n{done.stdout}{done.stderr}-- must be\n{(case / 'expected.txt').read_text()}")


if __name__ == "__main__":
    main()
