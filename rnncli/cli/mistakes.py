"""What is wrong with a command line, as one sentence, with the name that was probably meant."""

from __future__ import annotations

import re

import click

from rnncli.config.problems import did_you_mean

# click's words, and those of our own lists.
_NO_COMMAND = re.compile(r"No such command '(?P<name>.*?)'")
_NO_CHOICE = re.compile(r"'(?P<value>[^']*)' is not one of (?P<choices>.+)$")


def refusal(error: click.ClickException) -> str:
    """Return the message of a click error: what is wrong, what was meant if that can be told, and where help is."""
    context: click.Context | None = getattr(error, "ctx", None)
    message, meant = error.format_message().rstrip("."), ""
    if isinstance(error, click.NoSuchOption):
        message = f"No such option {error.option_name!r}"
        meant = did_you_mean(error.option_name, [] if context is None else _options(context.command))
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


def _options(command: click.Command) -> list[str]:
    """Return the names of all options of a command."""
    return ["--help", *(name for option in command.params if isinstance(option, click.Option) for name in option.opts)]
