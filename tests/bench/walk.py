"""The files of rnncli that a command walks through: those of which some function runs, but for what imports run.

    python tests/bench/walk.py predict RUN; python tests/bench/walk.py train text.txt --set training.epochs=1 -o RUN

Jitted code is not seen: no profile hears of it.
"""

from __future__ import annotations

import inspect
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any


def is_importing(frame: FrameType | None) -> bool:
    """Whether a module's own code is on the stack, below this script's."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_code.co_filename != __file__:
            return True
        frame = frame.f_back
    return False


def main() -> None:
    import rnncli
    from rnncli.cli import main as command

    package, files = f"{Path(rnncli.__file__).parent}/", set()

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        named = code.co_filename
        if (
            event != "call"
            or not named.startswith(package)
            or named in files
            or not code.co_flags & inspect.CO_OPTIMIZED
        ):
            return
        if not is_importing(frame):
            files.add(named)

    sys.argv[0] = "rnncli"
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        command()
    except SystemExit:
        pass
    finally:
        sys.setprofile(None)
    print(*sorted(name.removeprefix(package) for name in files), f"{len(files)} files", sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
