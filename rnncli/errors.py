"""Every error that a user can cause, with its exit code.

    RnncliError
    ├── UsageError        2    the command line
    ├── ConfigError       2    the YAML file or --set
    ├── DataError         3    the input data
    ├── ModelFileError    4    a model or state file
    ├── MachineError      5    disk, memory, permissions
    ├── DivergedError     6    the loss or gradient is not finite, or the loss absurdly large
    ├── CheckFailedError  7    a check that was asked for did not pass
    ├── RunInUseError    75    another process is writing this run
    ├── ReaderGoneError 141    nobody reads standard output any more; nothing is printed
    └── StoppedError   128+n   signal n asked the process to stop

They are converted to one line on stderr and an exit code in one place, `rnncli.cli`.
An error message says where, what is wrong, and what to do about it.
"""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Sequence

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # of an OSError: there may be no room
_OF_ONE = {"are": "is", "have": "has", "were": "was"}
_VERB = f"({'|'.join(_OF_ONE)})"
_ONE_OF_MANY = re.compile(rf"((?<![0-9.,])\b1 (?:of|[a-z]+s)\b[^;:]*?)\b{_VERB}\b(?:([^;:,]*, and ){_VERB}\b)?")
_THINGS = "byte|character|epoch|feature|file|line|pair|recording|row|sequence|step|token|update|window|word"
_ONE_THINGS = re.compile(rf"(?<![0-9.,])\b(1 (?:{_THINGS}))s\b")


class RnncliError(Exception):
    """An error with a known cause; its message is `where: what is wrong; what to do`."""

    exit_code = 1

    def __init__(self, message: str = ""):
        super().__init__(agreeing(message))


class UsageError(RnncliError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class ConfigError(RnncliError):
    """One or more problems in a config; each is a whole line of its own.

    quotes: for each problem the line of the file with a mark under its place, or an empty text.
    """

    exit_code = 2

    def __init__(self, *problems: str, quotes: Sequence[str] = ()):
        super().__init__("\n".join(problems))
        self.problems = problems
        self.quotes = quotes or [""] * len(problems)
        self.quoting = False  # whether to show them where standard error is no terminal


class DataError(RnncliError):
    """The input data cannot be read in its declared format, or is not the data that a run was trained on."""

    exit_code = 3


class ModelFileError(RnncliError):
    """A model or state file is damaged, foreign, or of another version."""

    exit_code = 4


class MachineError(RnncliError):
    """The system refused: disk full, no permission, out of memory."""

    exit_code = 5


class DivergedError(RnncliError):
    """Training produced a loss or gradient that is not finite, or a loss that is absurdly large."""

    exit_code = 6


class CheckFailedError(RnncliError):
    """A check requested on the command line did not pass."""

    exit_code = 7


class RunInUseError(RnncliError):
    """The run directory is locked by a living process."""

    exit_code = 75


class ReaderGoneError(RnncliError):
    """Standard output was closed by its reader, as `head` does; the process ends in silence, as by SIGPIPE."""

    exit_code = 128 + signal.SIGPIPE


class StoppedError(RnncliError):
    """SIGINT or SIGTERM arrived; everything worth keeping has been saved."""

    def __init__(self, message: str, signal_number: int = signal.SIGINT):
        super().__init__(message)
        self.exit_code = 128 + signal_number


def shown(text: str, limit: int = 60) -> str:
    """Return `text` in quotes, control and invisible characters escaped, cut so that a message stays one line."""
    escaped = "".join(_visible(character) for character in text[:limit])
    return f'"{escaped}{"…" if len(text) > limit else ""}"'


def amount(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun, such as `1 row` or `2,000 rows`; plural: where it is not made with an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def agreeing(text: str) -> str:
    """Return a message in which what is said of 1 thing is not said of several, as in `1 of 9 rows are` or `1 rows`."""
    singular = _ONE_OF_MANY.sub(lambda found: "".join(_OF_ONE.get(word, word) for word in found.groups("")), text)
    return _ONE_THINGS.sub(r"\1", singular)


def reason_of(error: OSError) -> str:
    """Return why the system refused, in lower case, as a message goes on with it."""
    return (error.strerror or str(error)).lower()


def quoted(text: str) -> str:
    """Return `text` as a shell takes it for one word."""
    import shlex

    return shlex.quote(text)


def _visible(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
