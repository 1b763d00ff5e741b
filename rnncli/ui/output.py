"""Standard output and error as UTF-8 whatever the locale; data can never control the terminal.

Control characters, C1 codes and bidirectional overrides in text, names and paths are shown escaped on a terminal;
in a pipe every byte passes unchanged. Text from data is never parsed as rich markup.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, ClassVar, TextIO

from rnncli import safe_files
from rnncli.errors import MachineError, ReaderGoneError, agreeing
from rnncli.notes import Doubt

if TYPE_CHECKING:
    from rich.console import Console


_AS_BYTES = "rnncli.as_bytes"
_KEPT = "\n\t"
_USUAL = 80  # columns of a terminal
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


def visible(text: str) -> str:
    """Return `text` with every character that could control a terminal written as an escape."""
    return "".join(_escaped(c) if _drives(c) else c for c in text)


def _drives(character: str) -> bool:
    code = ord(character)
    control = code < 0x20 or 0x7F <= code <= 0x9F
    return (control and character not in _KEPT) or code in _BIDI or 0xD800 <= code <= 0xDFFF


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def as_utf8(stream: TextIO) -> TextIO:
    """Return `stream` set to UTF-8, see `encoded`."""
    return encoded(stream, "utf-8")


def encoded(stream: TextIO, encoding: str) -> TextIO:
    """Return `stream` set to an encoding with line ends as written; surrogates that stand for bytes become those bytes,
    and what the encoding does not have is in UTF-8."""
    stream.reconfigure(encoding=encoding, errors=_AS_BYTES, newline="\n")  # type: ignore[attr-defined]
    return stream


def _as_bytes(error: UnicodeError) -> tuple[bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end]
    return b"".join(c.encode("utf-8", "surrogateescape" if _is_byte(c) else "surrogatepass") for c in text), error.end


def _is_byte(surrogate: str) -> bool:
    return "\udc80" <= surrogate <= "\udcff"  # others are of UTF-7, or escapes in JSON


codecs.register_error(_AS_BYTES, _as_bytes)


class Output:
    """Writes text to standard output and flushes it at once; escapes it where that is a terminal, and has UTF-8 there
    whatever encoding is asked for.

    open_line: whether the last line on that terminal has not ended, to which else what stderr says would stick.
    """

    open_line: ClassVar[bool] = False

    def __init__(self, encoding: str = "utf-8") -> None:
        if sys.stdout is None:  # closed by the shell with >&-
            raise OSError(9, os.strerror(9))
        self.stream = as_utf8(sys.stdout)
        self.terminal = self.stream.isatty()
        if not self.terminal:
            self.stream = encoded(self.stream, encoding)

    def write(self, text: str) -> None:
        try:
            self.stream.write(visible(text) if self.terminal else text)
            self.stream.flush()
        except BrokenPipeError:
            raise ReaderGoneError("standard output was closed") from None
        if self.terminal and text:
            Output.open_line = not text.endswith("\n")

    def tell(self, text: str, lead: str = "") -> None:
        """Write a sentence; see `unbroken`."""
        self.write("".join(f"{line}\n" for line in unbroken(text, lead)))

    @classmethod
    def end_line(cls) -> None:
        """End the last line on a terminal, so that what follows begins on a line of its own."""
        if cls.open_line:
            cls().write("\n")


def say_notes(notes: Iterable[str], *, quiet: bool = False) -> None:
    """Write each note as one line on stderr; `quiet` leaves only doubts."""
    for note in notes:
        if not quiet or isinstance(note, Doubt):
            say(note)


def saying(*, quiet: bool) -> Callable[[str], None]:
    """Return what says a note as soon as it comes, as `say_notes` does."""
    return lambda note: say_notes([note], quiet=quiet)


def say(text: str, lead: str = "rnncli: ") -> None:
    """Write `text` on stderr after `lead`: as one line, or on a terminal in lines that end between words."""
    stream, text = as_utf8(sys.stderr), agreeing(text)
    if stream.isatty():
        Output.end_line()
        lines = wrapped(text, _width(stream), lead)
    else:
        lines = [lead + visible(text)]
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()


def _width(stream: IO[str]) -> int:
    """Return the columns of the terminal that `stream` is; those of a usual one if it is none."""
    if not stream.isatty():
        return _USUAL
    named = os.environ.get("COLUMNS", "")
    try:
        return (int(named) if named.isdecimal() else os.get_terminal_size(stream.fileno()).columns) or _USUAL
    except OSError:  # of a stream that only seems to be one
        return _USUAL


def say_next(*command: str, always: bool = False) -> None:
    """Write on stderr, if that is a terminal or `always` is set, the command to go on with."""
    stream = as_utf8(sys.stderr)
    if always or stream.isatty():
        stream.write(f"next: {visible(shlex.join(['rnncli', *command]))}\n")
        stream.flush()


@contextlib.contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows the current part of `what`, if stderr is a terminal, until the block ends."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda part: None
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)

    def line(text: str) -> Text:
        found = Text(visible(" ".join(text.splitlines())))
        found.truncate(max(1, console.width - 2), overflow="ellipsis")  # beside what turns
        return found

    with console.status(line(what)) as status:
        yield lambda part: status.update(line(f"{what}: {part}"))


_OPTION = re.compile(r"(--[\w-]+) (?=\S)")
TIED = "\N{NO-BREAK SPACE}"  # textwrap breaks at spaces of ASCII alone


def say_on(console: Console, text: str, style: str = "", lead: str = "") -> None:
    """Print `text` after `lead`, broken between words; further lines are indented by the width of `lead`."""
    from rich.text import Text

    for line in wrapped(agreeing(text), narrowed(console.width, console.file), lead):
        console.print(Text(line, style=style), no_wrap=True, overflow="ignore", crop=False)


def narrowed(width: int, stream: IO[str] | None = None) -> int:
    """Return `width`, or the columns of the terminal that `stream`, by default standard output, is, if it has fewer."""
    stream = stream or sys.stdout
    return min(width, _width(stream)) if stream.isatty() else width


def told(text: str, lead: str = "") -> list[str]:
    """Return `text` in lines for standard output: of 80 columns, or of fewer where it is a narrower terminal, for which
    words that are TIED and do not fit are parted."""
    width = narrowed(_USUAL)
    pieces = (one if len(lead) + len(one) <= width else one.replace(TIED, " ") for one in text.split(" "))
    return wrapped(" ".join(pieces), width, lead)


def unbroken(text: str, lead: str = "") -> list[str]:
    """Return `text` in lines as wide as standard output where that is a terminal, else as one line."""
    return wrapped(text, _width(sys.stdout), lead) if sys.stdout.isatty() else [visible(lead + text)]


def wrapped(text: str, width: int, lead: str = "") -> list[str]:
    """Return `text` in lines of at most `width` characters; only a longer word, or option with value, exceeds it."""
    lines = textwrap.wrap(
        _OPTION.sub(rf"\1{TIED}", visible(text)),
        width,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(TIED, " ") for line in lines]


def duration(seconds: float) -> str:
    """Return a duration as configs have it, such as 8s, 10m05s or 1h30m; below ten seconds with a decimal."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f}s" if seconds < 9.95 else f"{whole}s"
    return f"{whole // 60}m{whole % 60:02}s" if whole < 3600 else f"{whole // 3600}h{whole // 60 % 60:02}m"


def require_folder(option: str, path: str) -> None:
    """Raise MachineError where the folder of a file to be written is missing, before any work begins."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise MachineError(f"{option} {path}: cannot write: no folder {folder}; make it, or name another")


@contextlib.contextmanager
def putting(path: Path, *, named: bool = True) -> Iterator[BinaryIO]:
    """Yield a file that replaces `path` in one step when the block ends.

    named: True where the user named it. So is then what a link of his own leads to; see `safe_files.led_to`; and a
    device or a pipe is written to. At a usual name each of them is replaced: a stranger may have planted it.
    """
    target = safe_files.led_to(path) if named else path
    is_planted = path.is_symlink() and target == path
    if named and path.exists() and not (path.is_file() or is_planted):
        with path.open("wb") as file:
            yield file
        return
    with safe_files.replacing(target) as file:
        yield file


def put(path: Path, content: bytes, *, named: bool = True) -> None:
    """Write `content` as `putting` does."""
    with putting(path, named=named) as file:
        file.write(content)
