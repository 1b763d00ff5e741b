"""train on all ranks that a launcher started: rank 0 trains as a process alone does, and the others follow it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable

from rnncli import __version__, job
from rnncli.errors import UsageError
from rnncli.kernels.jit import vector_lanes
from rnncli.training.reports import Report
from rnncli.workflows.following import Follower
from rnncli.workflows.launcher import imported, launch_in, loses_input
from rnncli.workflows.leading import Greeting, Lead, require_alike, threads_of
from rnncli.workflows.mpi_job import MpiJob
from rnncli.workflows.stopping import ASKING_RANKS, stop_on_signals
from rnncli.workflows.train import train
from rnncli.workflows.train_request import Request


def train_together(request: Request, show: Callable[[Report], None]) -> None:
    """Train, save, and report, as `train` does; SystemExit with the exit code of rank 0 on all others."""
    launch = launch_in(os.environ)
    if launch is None:
        train(request, show)
        return
    MPI = imported(launch)
    ranks = MpiJob(MPI)
    job.join(ranks)
    greeting = Greeting(__version__, request, bool(vector_lanes()), socket.gethostname(), _cpus())
    greetings = ranks.gather(greeting)
    if ranks.rank == 0:
        lead = Lead(ranks, greetings)
        ranks.dismissed = lead.dismiss
        require_alike(greetings)
        if loses_input(launch, MPI):
            _require_no_input(request)
        train(request, show, lead)
        return
    with stop_on_signals(numbers=ASKING_RANKS) as stop:
        follower = Follower(ranks, threads_of(greetings, ranks.rank), stop)
        ranks.dismissed = follower.is_dismissed
        follower.follow()


def _require_no_input(request: Request) -> None:
    """Raise UsageError for standard input, and close it to a config that names it."""
    if "-" in (request.first, *request.data):
        raise UsageError("-: standard input does not come whole through the mpiexec of Open MPI 5; name a file")
    sys.stdin = None


def _cpus() -> frozenset[int]:
    """Return the CPUs that this process may use, of which its launcher may have left it a few."""
    return frozenset(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))
