"""The files of compiled kernels: read only as they were written, and compiled by one process while others wait.

numba's own cache unpickles and runs whatever its files hold, so that one flipped bit is a crash. Here the index of a
kernel, `NAME.nbi`, begins with the hash of its rest, and machine code lies in `NAME.HASH.nbc`, whose name is told by
that index alone. What a disk, a crash or an older index has left is not read: the kernel is compiled again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import time
import warnings
from hashlib import blake2b
from pathlib import Path
from typing import Any

from rnncli.kernels import cache
from rnncli.kernels.compiler import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    UserProvidedCacheLocator,
    nrtdynmod,
    rtsys,
)
from rnncli.notes import tell

DIGEST = 16  # bytes: against accidents; a folder that somebody else may write is not used at all
STUCK = 60.0  # seconds for one kernel, which takes some ten; a process that was stopped holds its turn for ever
UNNOTICED = 1.0  # seconds of waiting that are not worth a word
PAUSES = (0.005, 0.05)  # seconds between two looks, at first and at most


class _Locator(UserProvidedCacheLocator):
    """The folder of `cache.place`, and no other where that cannot be written: numba would go on to the package's own.

    Nothing is written before there is something to keep; numba tries each folder with a temporary file.
    """

    def ensure_cache_path(self) -> None:
        pass


class _Implementation(CompileResultCacheImpl):
    _locator_classes = [_Locator]

    def check_cachable(self, compiled: Any) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NUMBA_OPT=0 leaves addresses of this process in the code
            return bool(super().check_cachable(compiled))


class KernelCache(FunctionCache):
    """What was compiled of one kernel. Nothing raises: what cannot be read is compiled, what cannot be kept is told."""

    _impl_class = _Implementation

    def __init__(self, function: Any):
        super().__init__(function)
        base = os.path.join(self._cache_path, self._impl.filename_base)
        self._cache_file = KernelFiles(self._cache_path, self._impl.filename_base, self._cache_file._source_stamp)
        self._turn = _Turn(f"{base}.lock")

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the compiled kernel, or None when it is this process's turn to compile it and to save it."""
        found = self._loaded(signature, context)
        if found is None and self._turn.take():
            found = self._loaded(signature, context)  # it may have been compiled by the process before
            if found is not None:
                self._turn.release()
        return found

    def _loaded(self, signature: Any, context: Any) -> Any:
        """Return what was compiled, without all that numba itself would load first, which only compiling needs."""
        with contextlib.suppress(Exception):  # of unpickling, when memory runs out
            rtsys.initialize(context)  # what arrays are allocated with
            return self._load_overload(signature, context)
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        try:
            super().save_overload(signature, compiled)
        except OSError as error:
            cache.tell_unkept((error.strerror or str(error)).lower())
        except Exception as error:  # of pickling, when memory runs out
            cache.tell_unkept(str(error))
        finally:
            self._turn.release()


def _allocator(context: Any) -> Any:
    """Return what compiled code allocates arrays with; numba itself compiles it in every process."""
    codegen = context.codegen()
    files = KernelFiles(str(cache.place().folder), "allocator", "")
    kept = files.load(codegen.magic_tuple())
    if kept is not None:
        return codegen.unserialize_library(kept)
    module, library = nrtdynmod.create_nrt_module(context)
    library.enable_object_caching()
    library.add_ir_module(module)
    library.finalize()
    if not cache.place().refusal:
        with contextlib.suppress(OSError):  # told of the kernels
            files.save(codegen.magic_tuple(), library.serialize_using_object_code())
    return library


nrtdynmod.compile_nrt_functions = _allocator


class KernelFiles(IndexDataCacheFile):
    """The index of one kernel, {pickled key of a signature: file name}, and the files that it names.

    Each key is pickled by itself: one that names what this process cannot import, such as the cell of somebody's
    program, keeps nobody from the others.
    """

    def load(self, key: Any) -> Any:
        """Return what was saved under `key`; None if nothing was, or if it is not what was written."""
        name, _ = self._parted(key)
        if name is None:
            return None
        code = _bytes_of(self._data_path(name))
        return pickle.loads(code) if name == self._name_of(code) else None

    def save(self, key: Any, data: Any) -> None:
        """Write the data, then the index, each at once; a crash between the two leaves the old index."""
        os.makedirs(self._cache_path, mode=0o700, exist_ok=True)
        code = self._dump(data)
        name = self._name_of(code)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(code)
        names = {**self._parted(key)[1], self._dump(key): name}
        self._save_index(names)
        self._remove_all_but(names.values())

    def _parted(self, key: Any) -> tuple[str | None, dict[bytes, str]]:
        """Return the name of the file of this key, None if there is none, and the names of those of all others."""
        names, pickled = self._load_index(), self._dump(key)
        own = pickled if pickled in names else next((one for one in names if _is(one, key)), None)
        return names.get(own), {one: name for one, name in names.items() if one != own}

    def _name_of(self, code: bytes) -> str:
        return f"{Path(self._index_path).stem}.{_hash(code).hex()}.nbc"

    def _load_index(self) -> dict[bytes, str]:
        index = checked(_bytes_of(self._index_path))
        if index is None:
            return {}
        stamp, names = pickle.loads(index)
        return names if stamp == self._source_stamp else {}

    def _save_index(self, names: dict[bytes, str]) -> None:
        index = self._dump((self._source_stamp, names))
        with self._open_for_write(self._index_path) as file:
            file.write(_hash(index) + index)

    def _remove_all_but(self, names: Any) -> None:
        """Remove what older indexes named, and what a killed process was writing."""
        index = Path(self._index_path)
        kept = {index.name, f"{index.stem}.lock", *names}
        for path in index.parent.iterdir():
            if path.name.startswith(f"{index.stem}.") and path.name not in kept:
                path.unlink(missing_ok=True)


def _is(pickled: bytes, key: Any) -> bool:
    """Return whether this is the pickled key; what cannot be unpickled is another."""
    with contextlib.suppress(Exception):
        return bool(pickle.loads(pickled) == key)
    return False


def _bytes_of(path: str) -> bytes:
    """Return what is in a file; nothing if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def checked(index: bytes) -> bytes | None:
    """Return the rest of an index after its hash; None if it is not what was written."""
    digest, rest = index[:DIGEST], index[DIGEST:]
    return rest if _hash(rest) == digest else None


def damaged(folder: Path) -> list[Path]:
    """Return the files of compiled kernels below this folder that are not what was written."""
    indexes = [path for path in folder.rglob("*.nbi") if checked(_bytes_of(str(path))) is None]
    codes = [path for path in folder.rglob("*.nbc") if path.name.split(".")[-2] != _hash(_bytes_of(str(path))).hex()]
    return sorted(indexes + codes)


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=DIGEST).digest()


class _Turn:
    """The right to compile one kernel, which one process has at a time; the system takes it back when that ends.

    Of the threads of a process numba lets one compile. Kernels that call each other are compiled from the caller to
    the called, so that no two processes wait for each other.
    """

    _waited = 0.0  # seconds, for all kernels of this process
    _told = False
    _stuck: set[str] = set()  # whom not to wait for again

    def __init__(self, path: str):
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Return True once it is this process's turn; False if the others may have been stopped in theirs."""
        if self._descriptor is not None:
            return True  # this process failed to compile it before
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return False  # nothing can be kept here either
        began, pause = time.monotonic(), PAUSES[0]
        while not self._is_free(descriptor):
            time.sleep(pause)
            pause = min(2 * pause, PAUSES[1])
            if not self._is_worth_waiting(descriptor, pause, time.monotonic() - began):
                os.close(descriptor)
                return False
        self._descriptor = descriptor
        return True

    def _is_free(self, descriptor: int) -> bool:
        """Take the lock and write who has it, or return False."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a disk without locks
            return True
        with contextlib.suppress(OSError):  # a full disk
            os.pwrite(descriptor, f"{os.getpid():<20}".encode(), 0)
        return True

    def _is_worth_waiting(self, descriptor: int, paused: float, waited: float) -> bool:
        owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        if waited > STUCK:
            _Turn._stuck.add(owner)
        if owner in _Turn._stuck:
            return False
        _Turn._waited += paused
        if _Turn._waited > UNNOTICED and not _Turn._told:
            _Turn._told = True
            tell(f"waiting for process {owner or 'unknown'}, which compiles the kernels")
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
