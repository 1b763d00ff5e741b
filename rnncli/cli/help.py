"""The command `rnncli help`."""

from __future__ import annotations

import click


@click.command("help", context_settings={"ignore_unknown_options": True})
@click.argument("topic", nargs=-1, metavar="[TOPIC]")
def command(topic: tuple[str, ...]) -> None:
    """Read the manual: a page, a command, an option, a config key, or the text under a heading.

    \b
    rnncli help                  a list of pages and commands
    rnncli help forecast         a task
    rnncli help train            a command
    rnncli help training.bptt    a config key
    """
    from rnncli.ui.manual import write_manual
    from rnncli.workflows.help import manual

    write_manual(manual(" ".join(topic)))
