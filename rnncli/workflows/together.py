"""What a command does on all ranks that a launcher started: rank 0 works as a process alone does, the others follow."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from rnncli import __version__, job
from rnncli.errors import UsageError
from rnncli.kernels.jit import vector_lanes
from rnncli.notes import telling
from rnncli.workflows.following import Follower
from rnncli.workflows.launcher import imported, launch_in, loses_input
from rnncli.workflows.leading import Greeting, Lead, require_alike, threads_of
from rnncli.workflows.mpi_job import MpiJob
from rnncli.workflows.stopping import ASKING_RANKS, stop_on_signals


def lead_of(request: Any, read: Sequence[Any]) -> Lead:
    """Return what this process, alone or rank 0, leads the others with. These follow, and end here: by a SystemExit
    with the exit code of rank 0.

    request: the arguments of the command, which must be the same for all. read: the data among them.
    """
    launch = launch_in(os.environ)
    if launch is None:
        return Lead()
    MPI = imported(launch)
    ranks = MpiJob(MPI)
    job.join(ranks)
    greetings = ranks.gather(Greeting(__version__, request, bool(vector_lanes()), socket.gethostname(), _cpus()))
    ranks.threads = threads_of(greetings, ranks.rank)
    if ranks.rank:
        _follow(ranks)
    lead = Lead(ranks, greetings)
    ranks.dismissed = lead.dismiss
    require_alike(greetings)
    if loses_input(launch, MPI):
        _require_no_input(read)
    return lead


def _follow(ranks: MpiJob) -> NoReturn:
    telling(lambda text: None)
    with stop_on_signals(numbers=ASKING_RANKS) as stop:
        follower = Follower(ranks, stop)
        ranks.dismissed = follower.is_dismissed
        follower.follow()


def _require_no_input(read: Sequence[Any]) -> None:
    """Raise UsageError for standard input, and close it to a config that names it."""
    if "-" in read:
        raise UsageError("-: standard input does not come whole through the mpiexec of Open MPI 5; name a file")
    sys.stdin = None


def _cpus() -> frozenset[int]:
    """Return the CPUs that this process may use, of which its launcher may have left it a few."""
    return frozenset(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))
