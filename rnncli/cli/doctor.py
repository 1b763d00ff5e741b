"""The command `rnncli doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from rnncli.cli.options import example


@click.command("doctor", epilog=example("rnncli doctor"))
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How the findings are written.",
)
def command(form: str) -> None:
    """Examine the installation and the machine: versions, processor, threads, memory, cache, speed, a tiny training.

    It takes some seconds, and leaves nothing behind. What is missing or slow is followed by what to do; the exit
    code is 5 if something is broken that rnncli needs.
    """
    from dataclasses import asdict

    from rnncli.errors import MachineError
    from rnncli.ui.findings import write_findings
    from rnncli.workflows.doctor import Finding, examine

    broken: list[Finding] = []

    def noted() -> Iterator[dict[str, Any]]:
        for finding in examine():
            broken.extend([finding] if finding.broken else [])
            yield asdict(finding)

    write_findings(noted(), form)
    if broken:
        raise MachineError("; ".join(f"{one.name}: {one.value}; {one.mend}" for one in broken))
