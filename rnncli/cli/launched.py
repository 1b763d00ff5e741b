"""Commands under a launcher such as mpiexec, which starts several processes of one command line."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rnncli import job
from rnncli.errors import UsageError

SPREAD = ("train", "tune", "evaluate", "inspect-grads")  # which several ranks share
_TOLD_ONCE = ("help", "completion")
_OF_LAUNCHERS = ("OMPI_", "PMI_", "PMIX_", "SLURM_")  # without a variable of which it is not worth looking further


def require_spread(arguments: Sequence[str]) -> None:
    """Raise UsageError for a command that is work for one process, and has been started as one of several; SystemExit
    on all ranks but the first for what is told once.

    What goes wrong before ranks meet goes wrong on all of them, and rank 0 tells.
    """
    if not any(name.startswith(_OF_LAUNCHERS) for name in os.environ):
        return
    from rnncli.workflows.launcher import launch_in, variable_of

    launch = launch_in(os.environ)
    if launch is None:
        return
    if launch.rank:
        job.join(job.Silent())
    command = next((one for one in arguments if not one.startswith("-")), "help")
    if command in _TOLD_ONCE or {"-h", "--help", "--version"} & {*arguments}:
        if launch.rank:
            raise SystemExit(0)
    elif command not in SPREAD:
        raise UsageError(
            f"{command}: is work for one process, and {launch.launcher} started several; start it alone, or, where "
            f"each is to work for itself, as env -u {variable_of(launch)} rnncli {command} …"
        )


def require_compared(names: Sequence[str]) -> None:
    """Raise UsageError for gradients of one network, which several ranks have nothing to share of."""
    from rnncli.workflows.launcher import launch_in

    if not names and launch_in(os.environ) is not None:
        raise UsageError("inspect-grads on several ranks compares networks, one a rank; name them with --compare")
