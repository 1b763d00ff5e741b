"""The memory of the machine that is free for this process, before much of it is taken."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from rnncli.errors import MachineError

# What a container may use, and uses, by the second and the first version of control groups.
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available() -> int:
    """Return the bytes of memory that are free or could be freed, and that this process may take; on systems other than
    Linux, the machine's total."""
    return max(0, min(_free(), *_left()))


def _free() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _left() -> Iterator[int]:
    """Yield what the limits of a container and of `ulimit -v` leave. Pages of files count as used in a container, so
    that of its memory half is taken for free at least."""
    for most, used in _GROUPS:
        with contextlib.suppress(OSError, ValueError):
            limit = _number_in(most)
            yield max(limit - _number_in(used), limit // 2)
    with contextlib.suppress(OSError, ValueError, ImportError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            yield limit - _number_in("/proc/self/statm") * os.sysconf("SC_PAGE_SIZE")
    yield _free()


def _number_in(path: str) -> int:
    """Return the first number in a file; ValueError if it is `max`."""
    with open(path, encoding="ascii") as file:
        return int(file.read().split()[0])


def require_free(wanted: float, name: str, mend: str) -> None:
    """Raise MachineError if the data `name` take more memory than is available; `mend` says what to do then."""
    if wanted > (there := available()):
        raise MachineError(
            f"{name}: would need {readable(wanted)} of memory, of which {readable(there)} are available; {mend}"
        )


def readable(size: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.2g} {unit}" if 1 < size < 10 else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:,.0f} TB"
