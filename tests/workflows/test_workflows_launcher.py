"""Whether a launcher started this process as one of several, told from its environment alone."""

import sys
from types import SimpleNamespace

import pytest

from rnncli import job
from rnncli.errors import MachineError, UsageError
from rnncli.workflows.launcher import Launch, imported, launch_in

MPICH = {"PMI_RANK": "2", "PMI_SIZE": "4", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2"}
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "3",
    "OMPI_COMM_WORLD_SIZE": "8",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
    "PMIX_RANK": "3",
}
BATCH = {"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NTASKS": "8", "SLURM_NPROCS": "8"}
STEP = {**BATCH, "SLURM_PROCID": "5", "SLURM_LOCALID": "1", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "8"}


@pytest.mark.parametrize(
    ("environment", "launch"),
    [
        ({}, None),
        (MPICH, Launch("mpiexec", 2, 4, 1)),
        (OPEN_MPI, Launch("mpiexec of Open MPI", 3, 8, 0)),
        (STEP, Launch("srun", 5, 8, 1)),
        ({**STEP, "PMI_RANK": "5", "PMI_SIZE": "8"}, Launch("mpiexec", 5, 8, 5)),
        ({"PMIX_RANK": "1"}, Launch("a launcher", 1, 0, 1)),
        (BATCH, None),  # a shell of a job, in which nobody started ranks
        ({**BATCH, "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"}, None),  # srun --pty bash
        ({**MPICH, "PMI_SIZE": "1", "PMI_RANK": "0"}, None),  # mpiexec -n 1
        ({"PMI_RANK": "x", "PMI_SIZE": "4"}, None),
    ],
)
def test_the_variables_of_a_launch_tell_it_and_those_of_a_batch_job_do_not(environment, launch):
    assert launch_in(environment) == launch


def with_mpi(monkeypatch, size):
    """An `mpi4py` that sees this many ranks."""
    library = "Open MPI v5.0.11, package: Open MPI x@y Distribution, ident: 5.0.11\0"
    MPI = SimpleNamespace(COMM_WORLD=SimpleNamespace(size=size), Get_library_version=lambda: library)
    package = SimpleNamespace(MPI=MPI, rc=SimpleNamespace(), __version__="4.1.2")
    monkeypatch.setitem(sys.modules, "mpi4py", package)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", MPI)
    return MPI


def test_ranks_that_the_library_sees_are_those_of_the_launcher(monkeypatch):
    MPI = with_mpi(monkeypatch, 4)
    assert imported(Launch("mpiexec", 0, 4, 0)) is MPI
    assert imported(Launch("a launcher", 0, 0, 0)) is MPI


def test_ranks_that_each_see_themselves_alone_are_refused_by_one_of_a_host(monkeypatch):
    with_mpi(monkeypatch, 1)
    for launch in (Launch("srun", 0, 4, 0), Launch("a launcher", 0, 0, 0)):
        with pytest.raises(MachineError, match=r"which mpi4py 4\.1\.2 with Open MPI v5\.0\.11 sees each alone; start"):
            imported(launch)
    with pytest.raises(SystemExit) as silent:
        imported(Launch("srun", 1, 4, 1))
    assert silent.value.code == 5


def test_a_missing_package_is_named_with_its_mend(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(UsageError, match=r"pip install 'rnncli\[mpi\]'"):
        imported(Launch("mpiexec", 0, 4, 0))


@pytest.mark.parametrize(
    ("rank", "size", "code", "place"),
    [
        (0, 1, 5, ""),
        (0, 4, 3, ""),
        (0, 4, 5, "rank 0 of 4 on b: "),
        (0, 4, 1, "rank 0 of 4 on b: "),
        (2, 4, 3, "rank 2 of 4 on b: "),
    ],
)
def test_an_error_names_its_rank_unless_rank_0_tells_a_mistake_of_the_user(rank, size, code, place):
    one = job.Job()
    one.rank, one.size, one.host = rank, size, "b"
    assert one.place(code) == place
