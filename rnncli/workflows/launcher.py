"""How this process was started: alone, or by a launcher as one of several ranks of one job.

The environment alone tells, so that nothing of MPI is imported, which takes a fifth of a second and on some clusters
ends a process that no launcher started. Slurm sets variables in every shell of a job; those of a step (`srun`) tell a
launch, others none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnncli import job
from rnncli.errors import MachineError, UsageError


@dataclass(frozen=True)
class Launch:
    """What a launcher's variables say. size: the number of ranks, 0 where they do not say; on_host: the number of this
    one among those of its host."""

    launcher: str
    rank: int
    size: int
    on_host: int


OPEN_MPI, MPICH = "mpiexec of Open MPI", "mpiexec of MPICH"
# Of the rank, the number of ranks, the rank on its host; the first launcher counts that sets all of its own.
_VARIABLES = {
    OPEN_MPI: ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    MPICH: ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),  # and of its children, such as Intel's
    "a launcher with PMI": ("PMI_RANK", "PMI_SIZE"),
    "srun": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
    "a launcher with PMIx": ("PMIX_RANK",),
}


def launch_in(environment: Mapping[str, str]) -> Launch | None:
    """Return how a launcher started this process as one of several; None where it is alone."""
    for launcher, names in _VARIABLES.items():
        numbers = [_number(environment.get(name)) for name in names]
        if (rank := numbers[0]) is not None and None not in numbers:
            size = numbers[1] if numbers[1:] else 0
            on_host = numbers[2] if numbers[2:] else rank
            return None if size == 1 else Launch(launcher, rank, size or 0, on_host or 0)
    return None


def variable_of(launch: Launch) -> str:
    """Return the variable without which a process is alone."""
    return _VARIABLES[launch.launcher][0]


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def imported(launch: Launch) -> Any:
    """Return the module `mpi4py.MPI`, started; a job that cannot work together ends here, before anything is written.

    UsageError where the package is missing, MachineError where no library of MPI is found or it was started by the
    launcher of another one. The first rank of a host tells, and the others end with the same code in silence.
    """
    try:
        MPI = _loaded()
        if launch.launcher in (OPEN_MPI, MPICH) and (launch.launcher == OPEN_MPI) != (
            MPI.get_vendor()[0] == "Open MPI"
        ):
            raise MachineError(_apart(launch, MPI))  # some libraries would end the process when they are started
        MPI.Init_thread(MPI.THREAD_FUNNELED)
        if (found := MPI.COMM_WORLD.size) != launch.size and (launch.size or found == 1):
            raise MachineError(_apart(launch, MPI))
    except (UsageError, MachineError) as error:
        if launch.on_host:
            raise SystemExit(error.exit_code) from None
        job.join(job.ALONE)
        raise
    return MPI


def loses_input(launch: Launch, MPI: Any) -> bool:
    """Return True where standard input does not reach rank 0 as it is.

    Through Open MPI 5 its end never comes (openpmix/openpmix#4024), and beyond 64 KB some of it comes more than once
    (openpmix/prrte#2579).
    """
    return bool(launch.launcher == OPEN_MPI and MPI.get_vendor()[1] >= (5,))


def _loaded() -> Any:
    """Return the module `mpi4py.MPI`; its library is not started yet, nor ended with the interpreter."""
    try:
        import mpi4py
    except ImportError:
        raise UsageError(
            "several ranks talk to each other by mpi4py, which is not installed; pip install 'rnncli[mpi]', or start "
            "rnncli without a launcher"
        ) from None
    mpi4py.rc.initialize = mpi4py.rc.finalize = False
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise MachineError(
            f"mpi4py finds no library of MPI ({reason}); pip install mpich, or load the one of your cluster"
        ) from None
    return MPI


def _apart(launch: Launch, MPI: Any) -> str:
    import mpi4py

    library, version = MPI.get_vendor()
    ranks = f"{launch.size} ranks" if launch.size else "several ranks"
    return (
        f"{launch.launcher} started {ranks}, which mpi4py {mpi4py.__version__} with {library} "
        f"{'.'.join(map(str, version))} does not see: each is alone; start them with the mpiexec of {library}, under "
        f"Slurm with srun --mpi=pmix or --mpi=pmi2, or alone: env -u {variable_of(launch)} rnncli …"
    )
