"""Whether a launcher started this process as one of several, told from its environment alone."""

import sys
from types import SimpleNamespace

import pytest

from rnncli import job
from rnncli.errors import MachineError, UsageError
from rnncli.workflows.launcher import Launch, imported, launch_in, loses_input

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
        (MPICH, Launch("mpiexec of MPICH", 2, 4, 1)),
        (OPEN_MPI, Launch("mpiexec of Open MPI", 3, 8, 0)),
        ({**STEP, **MPICH}, Launch("mpiexec of MPICH", 2, 4, 1)),
        (STEP, Launch("srun", 5, 8, 1)),
        ({**STEP, "PMI_RANK": "5", "PMI_SIZE": "8"}, Launch("a launcher with PMI", 5, 8, 5)),
        ({"PMIX_RANK": "1"}, Launch("a launcher with PMIx", 1, 0, 1)),
        (BATCH, None),  # a shell of a job, in which nobody started ranks
        ({**BATCH, "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"}, None),  # srun --pty bash
        ({**MPICH, "PMI_SIZE": "1", "PMI_RANK": "0"}, None),  # mpiexec -n 1
        ({"PMI_RANK": "x", "PMI_SIZE": "4"}, None),
    ],
)
def test_the_variables_of_a_launch_tell_it_and_those_of_a_batch_job_do_not(environment, launch):
    assert launch_in(environment) == launch


def with_mpi(monkeypatch, vendor, size):
    """An `mpi4py` whose library is of this vendor, and sees this many ranks once it is started."""
    started = []
    MPI = SimpleNamespace(
        COMM_WORLD=SimpleNamespace(size=size),
        get_vendor=lambda: (vendor, (5, 0, 2)),
        started=started,
        Init_thread=started.append,
        THREAD_FUNNELED="funneled",
    )
    package = SimpleNamespace(MPI=MPI, rc=SimpleNamespace(), __version__="4.1.2")
    monkeypatch.setitem(sys.modules, "mpi4py", package)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", MPI)
    return MPI


def test_ranks_that_the_library_sees_are_those_of_the_launcher(monkeypatch):
    MPI = with_mpi(monkeypatch, "MPICH", 4)
    for launch in (
        Launch("mpiexec of MPICH", 0, 4, 0),
        Launch("srun", 0, 4, 0),
        Launch("a launcher with PMIx", 0, 0, 0),
    ):
        assert imported(launch) is MPI
    assert MPI.started == ["funneled"] * 3


def test_ranks_that_each_see_themselves_alone_are_refused_by_one_of_a_host(monkeypatch):
    with_mpi(monkeypatch, "Open MPI", 1)
    for launch in (Launch("srun", 0, 4, 0), Launch("a launcher with PMIx", 0, 0, 0)):
        with pytest.raises(
            MachineError, match=r"mpi4py 4\.1\.2 with Open MPI 5\.0\.2 does not see: each is alone; start"
        ):
            imported(launch)
    with pytest.raises(SystemExit) as silent:
        imported(Launch("srun", 1, 4, 1))
    assert silent.value.code == 5


@pytest.mark.parametrize(("launcher", "vendor"), [("mpiexec of Open MPI", "MPICH"), ("mpiexec of MPICH", "Open MPI")])
def test_a_library_is_not_started_under_the_launcher_of_another(monkeypatch, launcher, vendor):
    MPI = with_mpi(monkeypatch, vendor, 1)
    with pytest.raises(MachineError, match=f"{launcher} started 4 ranks, which mpi4py 4.1.2 with {vendor} 5.0.2"):
        imported(Launch(launcher, 0, 4, 0))
    assert not MPI.started


def test_the_mpiexec_of_open_mpi_5_loses_standard_input(monkeypatch):
    by_open_mpi, by_slurm = Launch("mpiexec of Open MPI", 0, 4, 0), Launch("a launcher with PMIx", 0, 4, 0)
    MPI = with_mpi(monkeypatch, "Open MPI", 4)
    assert [loses_input(launch, MPI) for launch in (by_open_mpi, by_slurm)] == [True, False]
    MPI.get_vendor = lambda: ("Open MPI", (4, 1, 6))
    assert not loses_input(by_open_mpi, MPI)


def test_a_missing_package_is_named_with_its_mend(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(UsageError, match=r"pip install 'rnncli\[mpi\]'"):
        imported(Launch("srun", 0, 4, 0))


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
