"""The job that this process is a rank of, where a launcher such as mpiexec started several; else it is alone.

Other ranks may wait for this one, so that no rank ends without the others: the command line names the rank in what it
says of an error, and ends, when all is said, by the job's `end`.
"""

from __future__ import annotations

import time

_TELLING = 2.0  # seconds for rank 0 to tell, before the first end has the mpiexec of Open MPI end all others
OF_ANY_RANK = (1, 5)  # exit codes of a bug and of the system, which rank 0 may meet alone


class Job:
    """A job of one rank, for which nobody waits."""

    rank, size, host = 0, 1, ""
    threads: int | None = None  # that this rank may have, of the cores that ranks of its host share

    def place(self, code: int) -> str | None:
        """Return what stands before an error that ends this rank with `code`; None where another rank tells it.

        Rank 0 alone reads what the user wrote, so that his mistakes need no rank.
        """
        named = self.size > 1 and (self.rank > 0 or code in OF_ANY_RANK)
        return f"rank {self.rank} of {self.size} on {self.host}: " if named else ""

    def end(self, code: int) -> None:
        """End the other ranks with the exit code of this one, when it has said all."""


class Silent(Job):
    """The job of a rank that has not met the others yet: a mistake that it meets all meet, and rank 0 tells."""

    def place(self, code: int) -> str | None:
        return "" if code in OF_ANY_RANK else None

    def end(self, code: int) -> None:
        if code:
            time.sleep(_TELLING)


ALONE = Job()
_joined: list[Job] = [ALONE]


def join(job: Job) -> None:
    """Be a rank of `job` from now on."""
    _joined[:] = [job]


def joined() -> Job:
    """Return the job that this process is a rank of."""
    return _joined[0]
