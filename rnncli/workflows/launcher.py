"""How this process was started: alone, or by a launcher as one of several ranks of one job.

The environment alone tells, so that nothing of MPI is imported, which takes a fifth of a second and on some clusters
ends a process that no launcher started. Slurm sets variables in every shell of a job; those of a step (`srun`) tell a
launch, others none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnncli.errors import MachineError, UsageError


@dataclass(frozen=True)
class Launch:
    """What a launcher's variables say. size: the number of ranks, 0 where they do not say; on_host: the number of this
    one among those of its host."""

    launcher: str
    rank: int
    size: int
    on_host: int


_VARIABLES = {  # of the rank, the number of ranks, the rank on its host; the first that is there counts
    "mpiexec of Open MPI": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    "mpiexec": ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    "srun": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
    "a launcher": ("PMIX_RANK", "", ""),
}


def launch_in(environment: Mapping[str, str]) -> Launch | None:
    """Return how a launcher started this process as one of several; None where it is alone."""
    for launcher, names in _VARIABLES.items():
        rank, size, on_host = (_number(environment.get(name)) for name in names)
        if rank is None or (size is None and names[1]):
            continue
        return None if size == 1 else Launch(launcher, rank, size or 0, rank if on_host is None else on_host)
    return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def imported(launch: Launch) -> Any:
    """Return the module `mpi4py.MPI`, started; a job that cannot work together ends here, before anything is written.

    UsageError where the package is missing, MachineError where no library of MPI is found or it was started by the
    launcher of another one. The first rank of a host tells, and the others end with the same code in silence.
    """
    try:
        MPI = _initialised()
        if (found := MPI.COMM_WORLD.size) != launch.size and (launch.size or found == 1):
            raise MachineError(_apart(launch, found, _version(MPI)))
    except (UsageError, MachineError) as error:
        if launch.on_host:
            raise SystemExit(error.exit_code) from None
        raise
    return MPI


def _initialised() -> Any:
    try:
        import mpi4py
    except ImportError:
        raise UsageError(
            "several ranks talk to each other by mpi4py, which is not installed; pip install 'rnncli[mpi]', or start "
            "rnncli without a launcher"
        ) from None
    mpi4py.rc.initialize = True
    mpi4py.rc.thread_level = "funneled"
    mpi4py.rc.finalize = False  # the end of the job does, which no interpreter's end is waited for
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise MachineError(
            f"mpi4py finds no library of MPI ({reason}); pip install mpich, or load the one of your cluster"
        ) from None
    return MPI


def _version(MPI: Any) -> str:
    """Return the names and versions of mpi4py and of its library of MPI in a few words."""
    import mpi4py

    lines = [line.strip() for line in MPI.Get_library_version().replace("\0", "").splitlines() if line.strip()]
    library = " ".join(lines[0].replace(":", " ").split(",")[0].split()) if lines else "an unknown library"
    return f"mpi4py {mpi4py.__version__} with {library}"


def _apart(launch: Launch, found: int, version: str) -> str:
    ranks = f"{launch.size} ranks" if launch.size else "several ranks"
    alone = "each alone" if found == 1 else f"as {found}"
    return (
        f"{launch.launcher} started {ranks}, which {version} sees {alone}; start them with the mpiexec of that library "
        "(which mpiexec; under Slurm srun --mpi=pmix or --mpi=pmi2), or without a launcher: env -u "
        f"{_VARIABLES[launch.launcher][0]} rnncli …"
    )
