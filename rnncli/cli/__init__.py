"""The command line: one file per command, options and one call each; and the one place where errors become exit codes.

Nothing heavy is imported before a command runs, so that `rnncli --help` answers at once.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from rnncli import __version__
from rnncli import job as jobs
from rnncli.cli.launched import require_spread
from rnncli.cli.metadata import load_metadata_later
from rnncli.cli.room import require_room
from rnncli.errors import ConfigError, ReaderGoneError, RnncliError, UsageError
from rnncli.notes import telling

READER_GONE = ReaderGoneError.exit_code
GROUPS = {
    "Learn": {
        "init": "Write a config with comments for your data.",
        "check": "Check a config or a run, or plan a training.",
        "train": "Learn from a text file, a CSV or a config.",
        "tune": "Search for the settings that learn best.",
        "import": "Make a run of weights from PyTorch.",
    },
    "Use": {
        "predict": "Say what comes next, or what a sequence is.",
        "generate": "Write text with a language model.",
        "score": "See which lines of a text surprise a model.",
        "compress": "Code a file in fewer bytes, by what a model expects.",
        "decompress": "Write again what compress coded.",
        "export": "Write a model for ONNX or PyTorch.",
    },
    "Judge": {
        "evaluate": "Score a model beside its baselines.",
        "inspect-grads": "See how far back in time gradients reach.",
        "runs": "List runs: which is best, and what differs.",
        "plot": "Draw the course of training as a picture.",
        "report": "Write a page on runs, for a mail or for paper.",
    },
    "Set up": {
        "help": "Read the manual: a command, a task, a config key.",
        "doctor": "Examine installation, machine and speed.",
        "completion": "Make bash, zsh or fish complete what you type.",
    },
}
LIGHT = ("help", "completion", "runs")  # commands that load neither numpy nor numba
COMMANDS = {name: sentence for group in GROUPS.values() for name, sentence in group.items()}


class LazyGroup(click.Group):
    """A group whose commands are modules of this package, imported when they are needed."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"rnncli.cli.{name.replace('-', '_')}").command
        return command

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by group, so that all of the help fits a terminal of 24 lines; its first has options."""
        rows = [
            (f"{'' if i else label:<8}{name}", sentence)
            for label, group in GROUPS.items()
            for i, (name, sentence) in enumerate(group.items())
        ]
        formatter.write_paragraph()
        formatter.write_dl(rows)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    options_metavar="[--version] [--debug]",
    subcommand_metavar="COMMAND [--help] [ARGS]...",
)
@click.version_option(__version__, prog_name="rnncli")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
@click.pass_context
def rnncli(context: click.Context) -> None:
    """Learn sequences: rnncli train notes.txt, or sales.csv, tells what is next."""
    if context.invoked_subcommand not in LIGHT and not {"-h", "--help"} & {*sys.argv}:
        require_room()


def main() -> NoReturn:
    """Run the command line; never returns."""
    if sys.stderr is None:  # closed by the shell with 2>&-
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for the life of the process
    # Objects that imports make stay alive: garbage collection of them would take a tenth of a short command's time.
    gc.set_threshold(100_000, 20, 20)
    load_metadata_later()
    telling(_tell)
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = "--debug" in sys.argv  # at any place of the command line
    if not debug and not sys.warnoptions:  # what Python warns of is for who works on rnncli, and asks for it with -W
        warnings.simplefilter("ignore")
    try:
        require_spread(arguments)
        if any("\0" in argument for argument in arguments):
            raise UsageError("an argument has a NUL character, which no text or file name holds; leave it out")
        code = _answer(arguments)
    except BaseException as error:
        code = _exit_code(error)
        if debug:
            import traceback

            traceback.print_exc()
    _leave(code)


def _answer(arguments: list[str]) -> int:
    """Run a command, or tell a shell how one may go on; return the exit code."""
    if asked := os.environ.get("_RNNCLI_COMPLETE"):
        from rnncli.cli.completion import complete

        return complete(rnncli, asked)
    # Not click's own main(), which turns a closed pipe into exit code 1.
    with rnncli.make_context("rnncli", arguments) as context:
        rnncli.invoke(context)
    return 0


def _tell(text: str) -> None:
    from rnncli.ui.output import say

    with contextlib.suppress(OSError, ValueError):  # where stderr is closed
        say(text)


def _exit_code(error: BaseException) -> int:
    """Print the meaning of `error`, one line for each mistake, and return its exit code."""
    if isinstance(error, ReaderGoneError):
        return error.exit_code
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.ctx.get_help(), err=True)
        return 2
    if isinstance(error, ConfigError):
        quotes = error.quotes if error.quoting or _on_a_terminal() else ()
        return _say(*error.problems, code=error.exit_code, quotes=quotes)
    if isinstance(error, RnncliError):
        return _say(str(error), code=error.exit_code)
    if isinstance(error, click.exceptions.Exit):
        return int(error.exit_code)
    if isinstance(error, click.ClickException):
        from rnncli.cli.mistakes import refusal

        return _say(refusal(error), code=2)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return 128 + signal.SIGINT
    if isinstance(error, ImportError):  # numba explains itself, see kernels.cache
        return _say(str(error), code=2 if "NUMBA_" in str(error) else 5)
    if isinstance(error, MemoryError):
        return _say("out of memory; give fewer data at once, or lower model.hidden_size", code=5)
    if isinstance(error, SystemExit):
        # rich turns a closed pipe into exit code 1.
        return READER_GONE if isinstance(error.__context__, BrokenPipeError) else int(error.code or 0)
    if isinstance(error, BrokenPipeError):
        return READER_GONE
    if isinstance(error, OSError):
        try:
            from rnncli.cli.mistakes import refusal_of_the_system
        except OSError:  # where no file can be opened any more, nor that one
            return _say("too many open files; raise the limit (ulimit -n)", code=5)
        return _say(refusal_of_the_system(error), code=5)
    return _say(f"a bug in rnncli: {type(error).__name__}: {error}; run again with --debug and report it", code=1)


def _on_a_terminal() -> bool:
    with contextlib.suppress(OSError, ValueError):
        return sys.stderr.isatty()
    return False


def _say(*problems: str, code: int, quotes: Sequence[str] = ()) -> int:
    """Write a line for each problem, and under it its quote, if it has one; return the code."""
    for problem, quote in itertools.zip_longest(problems, quotes, fillvalue=""):
        if (place := jobs.joined().place(code)) is None:
            continue
        lines = [f"rnncli: error: {place}{' '.join(problem.split(chr(10)))}", *filter(None, quote.split("\n"))]
        with contextlib.suppress(OSError):  # where stderr is closed
            sys.stderr.buffer.write("".join(map(_visible_line, lines)).encode("utf-8", "backslashreplace"))
            sys.stderr.flush()
    return code


def _visible_line(line: str) -> str:
    visible = (c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line)
    return "".join(visible) + "\n"


def _leave(code: int) -> NoReturn:
    """Exit without Python's own attempt to flush a stream whose reader is gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError) as error:
            code = code or (READER_GONE if isinstance(error, BrokenPipeError) else 5)
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    jobs.joined().end(code)
    sys.exit(code)
