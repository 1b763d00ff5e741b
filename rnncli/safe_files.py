"""Files that are written whole or not at all, in folders where somebody else may have planted links.

A temporary file has a random name, and is made, never opened; what is in a run directory is never followed through a
link, and is read or written only if it is a regular file. A folder can be given by its descriptor, which stays that
folder when its path becomes another one. Files and folders are synced, so that they outlast a power cut.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from rnncli.errors import FULL, MachineError

RUN_FILES = ("config.yaml", "model.safetensors", "state.safetensors", "metrics.jsonl", "report.json")

_UNFOLLOWED = os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe in place of a file must not be waited for
_LINK = (errno.ELOOP, errno.EMLINK)  # what systems call a link that is not followed
_PIPE = (errno.ENXIO, errno.EOPNOTSUPP)  # and a pipe without a reader, or a socket
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP)  # of a folder, on some network file systems


def is_run(folder: Path) -> bool:
    """Return True for the directory of a run; a config may be anywhere."""
    return any(os.path.lexists(folder / name) for name in RUN_FILES[1:])


def led_to(path: Path) -> Path:
    """Return where a path that the user named leads: through a link of his own, as in a shell, but not through one in a
    run directory, which may be a stranger's."""
    return Path(os.path.realpath(path)) if path.is_symlink() and not is_run(path.parent) else path


def open_folder(path: Path) -> int:
    """Return a descriptor of the folder `path`, which may be reached through a link that the user named."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


@contextlib.contextmanager
def replacing(path: Path, folder: int | None = None, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Yield a file to write, which replaces `path` in one step, and a link there too, when the block ends.

    folder: the descriptor of its folder, where that is open. mode: its permissions, less what the umask takes.
    MachineError where it cannot be written.
    """
    replaced = False
    try:
        with _opened(path.parent, folder) as place:
            drop_leftovers(path, place)
            with _temporary_file(path.name, mode, place) as (file, temporary):
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.replace(temporary, path.name, src_dir_fd=place, dst_dir_fd=place)
                replaced = True
            _sync_folder(place)
    except OSError as error:
        kept = "; the file there before is intact" if not replaced and os.path.lexists(path) else ""
        raise _unwritten(path, error, kept) from None


def replace(path: Path, content: bytes, folder: int | None = None) -> None:
    """Replace the file `path` by one with `content`, in one step; see `replacing`."""
    with replacing(path, folder) as file:
        file.write(content)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder `path`, which is not there yet, with these files, in one step; MachineError where that fails."""
    try:
        with temporary_folder(path, 0o777) as made:
            for name, content in files.items():
                with open(made / name, "xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            os.rename(made, path)
        with _opened(path.parent, None) as place:
            _sync_folder(place)
    except OSError as error:
        raise _unwritten(path, error) from None


def _unwritten(path: Path, error: OSError, kept: str = "") -> MachineError:
    mend = "free some space or choose another place" if error.errno in FULL else "choose another place"
    return MachineError(f"{path}: cannot write: {error.strerror}{kept}; {mend}")


@contextlib.contextmanager
def temporary_folder(path: Path, mode: int = 0o700) -> Iterator[Path]:
    """Yield a new folder, for `path` or in its place, which is removed afterwards if it has not been renamed."""
    from shutil import rmtree

    drop_leftovers(path)
    made, descriptor = _locked_folder(path, mode)
    try:
        yield made
    finally:
        os.close(descriptor)
        rmtree(made, ignore_errors=True)


def _locked_folder(path: Path, mode: int) -> tuple[Path, int]:
    """Make a temporary folder for `path`; return it and its descriptor, whose lock shows that it is no leftover."""
    while True:
        made = path.parent / _temporary(path.name)
        os.mkdir(made, mode)
        with contextlib.suppress(FileNotFoundError):  # another process may take it for one before it is locked
            descriptor = open_folder(made)
            _lock(descriptor)
            if made.exists():
                return made, descriptor
            os.close(descriptor)


def append(path: Path, content: bytes, folder: int | None = None) -> None:
    """Write `content` at the end of the regular file `path`, or into a new one; OSError says why it cannot be."""
    with _opened(path.parent, folder) as place:
        descriptor = open_own(path.name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, place)
        with open(descriptor, "ab", buffering=0) as file:
            rest = memoryview(content)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(descriptor)
        _sync_folder(place)


def read(path: Path, folder: int | None = None) -> bytes:
    """Return what is in the regular file `path`; OSError where it is none, or a link to one."""
    with open_regular(path, folder) as file:
        return file.read()


def open_regular(path: Path, folder: int | None = None) -> BinaryIO:
    """Return the regular file `path`, open to be read; OSError where it is none, or a link to one."""
    with _opened(path.parent, folder) as place:
        return open(_open_regular(path.name, os.O_RDONLY, place), "rb")


def open_own(name: str, flags: int, folder: int) -> int:
    """Return the descriptor of a regular file to be changed in place, which has no other name; OSError for another."""
    descriptor = _open_regular(name, flags, folder)
    if os.fstat(descriptor).st_nlink > 1:
        os.close(descriptor)
        raise OSError(errno.EMLINK, "has a second name (a hard link), under which another file would change too")
    return descriptor


def leftovers(folder: int | Path, of: Iterable[str]) -> set[str]:
    """Return the names in a run directory that a killed process left when it wrote one of the files `of`, and no
    others. Version 0.1 ended them in its process number."""
    ours = _temporary_names(of, "|[0-9]+")
    return {name for name in files_in(folder) if ours.fullmatch(name)}


def drop_leftovers(path: Path, folder: int | None = None) -> None:
    """Remove what killed processes left when they wrote the file or folder `path`, and nothing that one still writes.

    folder: the descriptor of its folder, where that is open. What cannot be removed stays.
    """
    ours = _temporary_names([path.name])
    with contextlib.suppress(OSError), _opened(path.parent, folder) as place:
        for name in filter(ours.fullmatch, os.listdir(place)):
            with contextlib.suppress(OSError):
                _drop_if_left(path.parent / name, place)


def _drop_if_left(path: Path, folder: int) -> None:
    """Remove a temporary file or folder, if nobody has its lock, which the system takes from a killed process."""
    from shutil import rmtree

    try:
        descriptor, is_folder = _open_regular(path.name, os.O_RDWR, folder), False
    except IsADirectoryError:
        descriptor, is_folder = os.open(path.name, os.O_RDONLY | _UNFOLLOWED, dir_fd=folder), True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_folder:
            rmtree(path)
        else:
            os.unlink(path.name, dir_fd=folder)
    finally:
        os.close(descriptor)


def files_in(folder: int | Path) -> list[str]:
    """Return the names in a folder that are not those of folders."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]


def _begin(name: str) -> str:
    return name[:50]  # of at most 200 bytes, so that a temporary name is not too long


def _temporary(name: str) -> str:
    """Return a name that nobody can foresee."""
    return f".{_begin(name)}.{os.urandom(8).hex()}.tmp"


def _temporary_names(of: Iterable[str], others: str = "") -> re.Pattern[str]:
    """Return what matches the temporary names of the files `of`, or else their beginnings with one of `others`."""
    files = "|".join(re.escape(_begin(name)) for name in of)
    return re.compile(rf"\.(?:{files})\.(?:[0-9a-f]{{16}}\.tmp{others})")


@contextlib.contextmanager
def _temporary_file(name: str, mode: int, folder: int) -> Iterator[tuple[BinaryIO, str]]:
    """Yield a new file for `name` and its own name; it is removed afterwards, also by a signal, if not renamed."""
    made, temporary = -1, ""
    while made < 0:
        temporary = _temporary(name)
        made = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode, dir_fd=folder)
        _lock(made)
        if not os.fstat(made).st_nlink:  # another removed it as a leftover before it was locked
            os.close(made)
            made = -1
    try:
        with open(made, "wb") as file:
            yield file, temporary
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)


def _lock(descriptor: int) -> None:
    """Show others that a process lives which writes this; where the disk has no locks, none removes what was left."""
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_SH)


@contextlib.contextmanager
def _opened(path: Path, folder: int | None) -> Iterator[int]:
    """Yield the descriptor of a folder: `folder`, or one that is open for as long as the block lasts."""
    if folder is not None:
        yield folder
        return
    descriptor = open_folder(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_regular(name: str, flags: int, folder: int) -> int:
    try:
        descriptor = os.open(name, flags | _UNFOLLOWED, 0o666, dir_fd=folder)
    except OSError as error:
        if error.errno in _LINK:
            raise OSError(error.errno, "is a link, and in a run directory none is followed") from None
        if error.errno in _PIPE:
            raise OSError(error.errno, "is no regular file") from None
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise OSError(errno.EINVAL, "is no regular file")
    return descriptor


def _sync_folder(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
