"""The command `rnncli help`."""

from __future__ import annotations

import click

from rnncli.cli.options import example


@click.command(
    "help",
    epilog=example("rnncli help training.bptt", "rnncli help forecast"),
    context_settings={"ignore_unknown_options": True},
)
@click.argument("topic", nargs=-1, metavar="[TOPIC]")
def command(topic: tuple[str, ...]) -> None:
    """Read the manual: a page, a command, an option, a config key, or the text under a heading.

    Without a topic, a list of pages and commands.
    """
    from rnncli.ui.manual import write_manual
    from rnncli.workflows.help import manual

    write_manual(manual(" ".join(topic)))
