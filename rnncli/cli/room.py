"""Room for numpy and numba. Where the system allows a process less memory than they take to be loaded, they end it by
themselves, with words and exit codes of their own, or by a signal.
"""

from __future__ import annotations

import os

from rnncli.errors import MachineError

LEAST = 400_000  # kB of address space, as `ulimit -v` counts; measured with numpy 2.4 and numba 0.68 on one BLAS thread


def require_room() -> None:
    """Raise MachineError where the process may have less than LEAST. Where its memory is limited at all, numpy's BLAS,
    by which nothing is trained, gets one thread, as the threads take address space in proportion to cores.
    """
    try:
        import resource
    except ImportError:  # no Unix
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if limit < 1024 * LEAST:
        raise MachineError(
            f"out of memory: a process may have {limit // 1024:,} kB here, and to be loaded takes {LEAST:,}; raise the "
            "limit (ulimit -v)"
        )
