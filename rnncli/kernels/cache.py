"""The cache of compiled kernels, and an import of numba that does not trust the current folder.

numba's own cache does not notice an edit in a called function's file, so the folder's name is a hash of every kernel
source and of every version and option that shapes the machine code: a new state gets a new folder.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import stat
import sys
import time
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from rnncli.notes import tell

CONFIG = ".numba_config.yaml"
"""numba's own name of a file of settings in the current folder."""
HONOURED = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_DISABLE_JIT")
"""All variables that numba is shown: others would move the cache, print into results, or end it."""
_OURS = re.compile(r"kernels-[0-9a-f]{16}")
UNUSED = 90 * 86400.0  # seconds after which compiled kernels are removed


def import_numba() -> ModuleType:
    """Import numba, and let it see no settings but HONOURED; return it.

    It reads a `.numba_config.yaml` in the current folder whenever PyYAML can be imported, and that may point the cache
    at planted pickles: running inside a folder of somebody's data must not run their code. With colorama it would end
    every terminal's output with an escape code; and coverage, which it imports where it is installed, takes its time.
    """
    _require_features(os.environ.get("NUMBA_CPU_FEATURES", ""))
    hidden = {name: sys.modules.get(name) for name in ("yaml", "colorama", "coverage")}
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # makes numba's own import of it fail
    variables = [name for name in os.environ if name.startswith("NUMBA_") and name not in HONOURED]
    ignored = {name: os.environ.pop(name) for name in variables}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numba says that it found the file, or a value that is no number
            import numba
    except OSError as error:
        raise ImportError(f"numba cannot be loaded: {error}") from None
    finally:
        os.environ.update(ignored)
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    numba.core.config.reload_config = lambda: None  # it would look again at each compilation
    numba.config.CACHE_DIR = str(place().folder) if enabled() else ""
    return numba


def _require_features(named: str) -> None:
    """Raise ImportError for names of CPU features that would end the process in the compiler."""
    if any(part[:1] not in ("+", "-") for part in named.split(",") if named):
        raise ImportError(f"NUMBA_CPU_FEATURES={named}: each feature begins with + or -, as in +avx2,-avx512f")


class Place(NamedTuple):
    """The folder where compiled kernels belong; the refusal says why they cannot be kept there, empty if they can."""

    folder: Path
    refusal: str


def enabled() -> bool:
    """Return True if the next process will find the kernels that are compiled now."""
    return not place().refusal


def unkept(folder: Path, reason: str) -> str:
    """Return the note that compiled kernels cannot be kept in this folder."""
    return (
        f"compiled kernels cannot be kept in {folder} ({reason}): every start compiles anew, about 10 s; set "
        "RNNCLI_CACHE to a folder that you alone can write to"
    )


@functools.cache
def tell_unkept(reason: str) -> None:
    """Tell once that the kernels which were compiled just now could not be written."""
    tell(unkept(place().folder.parent, reason))


def is_cold(module: str = "") -> bool:
    """Return True if no kernel (of this module) has been compiled yet on this machine for this state of the sources."""
    compiled = place().folder.rglob(f"{module}*.nbi") if enabled() else ()
    # The register tile is compiled when it is imported, which is before anybody can ask.
    return all(file.name.startswith("register_tile.") for file in compiled)


_place: list[Place] = []


def place() -> Place:
    """Return the folder of this state of the sources; it is kept in only if nobody but this user can write to it."""
    if not _place:
        root, refusal = _root()
        folder = root / f"kernels-{_fingerprint()}"
        is_new = not folder.exists()
        _place.append(Place(folder, refusal or _made_private(folder)))
        if not _place[0].refusal:
            with contextlib.suppress(OSError):
                os.utime(folder)  # it is in use
            if is_new:
                _forget_unused(root)
    return _place[0]


def _forget_unused(root: Path) -> None:
    """Remove what was compiled for other states, of older versions for example, that nobody uses any more."""
    import shutil

    with contextlib.suppress(OSError):
        for other in (one for one in root.iterdir() if _OURS.fullmatch(one.name)):  # others may be the user's
            if other.is_dir() and not other.is_symlink() and other.stat().st_mtime < time.time() - UNUSED:
                shutil.rmtree(other, ignore_errors=True)


def _root() -> tuple[Path, str]:
    """Return the folder for all states of the sources, and why it cannot be used, or an empty text."""
    chosen = os.environ.get("RNNCLI_CACHE", "")
    if chosen:
        # A relative folder would lie in the current one, where anybody's archive may have put files.
        return Path(chosen), "" if Path(chosen).is_absolute() else "not an absolute path"
    users = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if users.is_absolute():
        return users / "rnncli", ""
    try:
        home = Path.home()
        return home / ".cache" / "rnncli", "" if home.is_absolute() else "HOME is not an absolute path"
    except RuntimeError:
        return Path("~", ".cache", "rnncli"), "no home folder"


def _made_private(folder: Path) -> str:
    """Make the folder; return why kernels cannot be kept in it, or an empty text."""
    try:
        for one in (*reversed(folder.parents), folder):
            if not one.exists():
                one.mkdir(mode=0o700, exist_ok=True)
        if reason := _refusal(folder):
            return reason
    except (OSError, ValueError) as error:
        return (getattr(error, "strerror", None) or str(error)).lower()
    return "" if os.access(folder, os.W_OK) else "permission denied"


def _refusal(folder: Path) -> str:
    """Return why what is in this folder may be somebody else's, or an empty text: he may write to it, or put another in
    the place of one above it."""
    if not hasattr(os, "getuid"):
        return ""
    status, trusted = folder.stat(), (os.getuid(), 0, os.stat("/").st_uid)  # root's number may be another in containers
    if status.st_uid != os.getuid():
        return "another user owns it"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write to it"
    for above in _passed(folder.parent):
        name, status = "it" if above == folder.parent else str(above), above.lstat()
        if status.st_uid not in trusted:
            return f"another user owns {name}"
        if stat.S_ISDIR(status.st_mode) and _others_may_replace_in(status):
            return f"others may write to {name}"
    return ""


def _passed(folder: Path) -> Iterator[Path]:
    """Yield the root, and every folder and link that the system passes on its way to a folder that is there."""
    at, rest = Path("/"), [*reversed(folder.parts[1:])]
    yield at
    while rest:
        name = rest.pop()
        step = at.parent if name == ".." else at / name
        yield step
        if step.is_symlink():
            target = step.readlink()
            at = Path("/") if target.is_absolute() else at
            rest += reversed(target.parts[target.is_absolute() :])
        else:
            at = step


def _others_may_replace_in(status: os.stat_result) -> bool:
    """Return whether others may rename what is in a folder: not in /tmp, where each may do so with his own."""
    if status.st_mode & stat.S_ISVTX:
        return False
    return bool(status.st_mode & stat.S_IWOTH) or bool(status.st_mode & stat.S_IWGRP and not _is_own(status.st_gid))


def _is_own(group: int) -> bool:
    """Return whether a group is the one of this user alone that many systems give each, with the same name."""
    import grp
    import pwd

    try:
        user, found = pwd.getpwuid(os.getuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return group == user.pw_gid and found.gr_name == user.pw_name and set(found.gr_mem) <= {user.pw_name}


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(version(package).encode())
    for option in HONOURED:
        digest.update(f"{option}={os.environ.get(option, '')}".encode())
    digest.update(sys.version.encode())
    return digest.hexdigest()[:16]
