"""What is wrong with a command line, as one sentence, with the name that was probably meant."""

from __future__ import annotations

import errno
import os
import re
import sys

import click

from rnncli.config.suggestions import closest, did_you_mean
from rnncli.errors import quoted

# click's words, and those of our own lists.
_NO_COMMAND = re.compile(r"No such command '(?P<name>.*?)'")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_OUTPUTS = ("-o", "--out", "--output")
_MANY_FILES = (errno.EMFILE, errno.ENFILE)
_PATH = (
    errno.EACCES,
    errno.EPERM,
    errno.ENOENT,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EROFS,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)
_NO_CHOICE = re.compile(r"'(?P<value>[^']*)' is not one of (?P<choices>.+)$")


def refusal(error: click.ClickException) -> str:
    """Return the message of a click error: what is wrong, what was meant if that can be told, and where help is."""
    context: click.Context | None = getattr(error, "ctx", None)
    message, meant = " ".join(error.format_message().split()).rstrip("."), ""  # click lists choices a line each
    if isinstance(error, click.NoSuchOption):
        message = f"No such option {error.option_name!r}"
        meant = _meant_option(error.option_name, [] if context is None else _options(context.command))
    elif (command := _NO_COMMAND.match(message)) and context is not None:
        message = command[0]
        group = context.command
        meant = did_you_mean(command["name"], group.list_commands(context) if isinstance(group, click.Group) else ())
    elif choice := _NO_CHOICE.search(message):
        meant = did_you_mean(choice["value"], [name.strip("' ") for name in choice["choices"].split(",")])
    if context is None:
        return message + meant
    return (
        f"{message}{meant} See {context.command_path} --help"
        if meant
        else f"{message}; see {context.command_path} --help"
    )


def refusal_of_the_system(error: OSError) -> str:
    """Return the message of an error of the system that no reader or writer has put in words of its own."""
    if error.errno == errno.EBADF:
        return "cannot write: standard output is closed; leave out >&-"
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    if error.errno in _NO_ROOM:
        return f"{where}cannot write: {reason}; free some space"
    if error.errno in _MANY_FILES:
        return f"{where}{reason}; raise the limit (ulimit -n)"
    if error.errno in _PATH:
        return f"{where}{reason}; check the path and its permissions"
    return f"{where}{reason}; check the disk, or the network that it is on, and try again"


def _meant_option(name: str, options: list[str]) -> str:
    """Return which option was meant, or which config key, where a command can set one, has that name for an option."""
    keys: list[str] = []
    if "--set" in options:
        from rnncli.workflows.completion import candidates

        keys = ["task=", *(candidates("KEY", "") or [])]
    named = {key.rpartition(".")[2].rstrip("="): f"--set {key}VALUE" for key in reversed(keys)}  # the first of a name
    if name in _OUTPUTS and not {*_OUTPUTS} & {*options}:
        return "; results go to standard output: add > FILE."
    if file := next((text for text in sys.argv[1:] if text.startswith(name) and os.path.lexists(text)), None):
        return f"; of the file of that name: {quoted(os.path.join(os.curdir, file))}."
    meant = closest(name, [*options, *named])
    return f'; did you mean "{named.get(meant, meant)}"?' if meant else ""


def _options(command: click.Command) -> list[str]:
    """Return the names of all options of a command."""
    return ["--help", *(name for option in command.params if isinstance(option, click.Option) for name in option.opts)]
