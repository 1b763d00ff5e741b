"""Be rnncli, and fail on one rank: python failing_rank.py RANK UPDATE KIND ARGUMENTS…

KIND: bug, machine, exit (of the interpreter), or differ (weights of this rank are other ones from that update on). The
time of the failure is written to the file failed-at.
"""

import os
import sys
import time
from pathlib import Path

from rnncli import job
from rnncli.__main__ import main
from rnncli.errors import MachineError
from rnncli.training.loop import TrainingLoop

rank, update, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
sys.argv = ["rnncli", *sys.argv[4:]]
sound = TrainingLoop._update


def _update(loop: TrainingLoop) -> float:
    if job.joined().rank == rank and loop.position.update == update:
        Path("failed-at").write_text(str(time.time()), encoding="utf-8")
        if kind == "bug":
            raise ZeroDivisionError("on purpose")
        if kind == "machine":
            raise MachineError("no room, on purpose")
        if kind == "exit":
            os._exit(9)
        loop.parameters.weights[0] += 1
    return sound(loop)


TrainingLoop._update = _update
main()
