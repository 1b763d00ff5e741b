"""The cache of compiled kernels, and an import of numba that does not trust the current folder.

numba's own cache does not notice an edit in a called function's file, so the folder's name is a hash of every kernel
source and of every version and option that shapes the machine code: a new state gets a new folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

_OPTIONS = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_DEBUGINFO")


def import_numba() -> ModuleType:
    """Import numba without reading a `.numba_config.yaml` in the current folder and without coloured output; return it.

    numba reads that file whenever PyYAML can be imported, and it may point the cache at planted pickles: running
    inside a folder of somebody's data must not run their code. With colorama numba would end every terminal's output
    with an escape code. The cache folder is set here too.
    """
    hidden = {name: sys.modules.get(name) for name in ("yaml", "colorama")}
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # makes numba's own import of it fail
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numba says that it found the file and could not parse it
            import numba
    except (ValueError, KeyError, TypeError) as error:
        raise ImportError(f"numba cannot start: {error}; check the NUMBA_ variables of the environment") from None
    except OSError as error:
        raise ImportError(f"numba cannot be loaded: {error}") from None
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    numba.core.config._config_fname = os.devnull  # it looks again at each compilation
    folder = _private_folder()
    numba.config.CACHE_DIR = str(folder) if folder else ""
    return numba


def forgive(store: Any) -> None:
    """Make numba's cache of one kernel tolerate a damaged file or a full disk: the kernel is just compiled again."""
    load, save = store.load_overload, store.save_overload

    def forgiving_load(*arguments: Any) -> Any:
        try:
            return load(*arguments)
        except Exception:  # unpickling what a crash has cut off can raise anything
            with contextlib.suppress(Exception):
                store.flush()  # so that it is written anew
            return None

    def forgiving_save(*arguments: Any) -> None:
        with contextlib.suppress(Exception):
            save(*arguments)

    store.load_overload, store.save_overload = forgiving_load, forgiving_save


def enabled() -> bool:
    """Return True if the next process will find the kernels that are compiled now."""
    return _private_folder() is not None


def is_cold(module: str = "") -> bool:
    """Return True if no kernel (of this module) has been compiled yet on this machine for this state of the sources."""
    folder = _private_folder()
    compiled = () if folder is None else folder.rglob(f"{module}*.nbi")
    # The register tile is compiled when it is imported, which is before anybody can ask.
    return all(file.name.startswith("register_tile.") for file in compiled)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(version(package).encode())
    for option in _OPTIONS:
        digest.update(f"{option}={os.environ.get(option, '')}".encode())
    digest.update(sys.version.encode())
    return digest.hexdigest()[:16]


_folder: list[Path | None] = []


def _private_folder() -> Path | None:
    """Return a folder that only this user can write to, or None if there is none (then nothing is cached)."""
    if not _folder:
        _folder.append(_make_private_folder())
    return _folder[0]


def _make_private_folder() -> Path | None:
    try:
        named = Path(os.environ.get("XDG_CACHE_HOME", ""))
        # A relative folder would lie in the current one, where anybody's archive may have put files.
        root = named if named.is_absolute() else Path.home() / ".cache"
        folder = root / "rnncli" / f"kernels-{_fingerprint()}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        private = not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        owned = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        return folder if private and owned and os.access(folder, os.W_OK) else None
    except (OSError, RuntimeError):  # RuntimeError: no home directory
        return None
