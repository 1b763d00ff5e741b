"""The command `rnncli train`."""

from __future__ import annotations

import os
from typing import Any

import click

from rnncli.cli.options import QUIET, SET, as_overrides, example, reading_options, taken_reading


@click.command("train", epilog=example("rnncli train sample_configs/co2.yaml -o runs/co2"))
@click.argument("first", required=False, metavar="CONFIG|DATA")
@click.argument("data", nargs=-1, metavar="[DATA|-]...")
@click.option("-o", "--out", metavar="RUN", help="The run directory to create; a free name under runs/ by default.")
@SET
@click.option("--resume", is_flag=True, help="Go on with the run in -o where it stopped.")
@click.option("--from", "origin", metavar="RUN", help="Start a new run from the weights of RUN, with its config.")
@click.option("--max-time", metavar="10m", help="Train for so long: --set training.max_time.")
@click.option("--watch-grads", is_flag=True, help="Show with evaluations how far back gradients reach.")
@QUIET
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the final score is written to standard output.",
)
@click.option("--dry-run", is_flag=True, help="Check config and data, and say what training would be: rnncli check.")
@reading_options
def command(
    first: str | None,
    data: tuple[str, ...],
    out: str | None,
    overrides: tuple[str, ...],
    resume: bool,
    origin: str | None,
    max_time: str | None,
    watch_grads: bool,
    quiet: bool,
    form: str,
    dry_run: bool,
    **options: Any,
) -> None:
    """Train a network on a text, a table, or labelled sequences.

    CONFIG is a YAML file; DATA replaces its data.path, and - is standard input. Or name the DATA file alone: notes
    on stderr tell what it looks like and what is inferred from it, and the run saves it; see rnncli help tasks.
    Several texts are named one by one, by their folder, or as in 'poems/*.txt'.

    A run holds config.yaml, model.safetensors (the best so far), state.safetensors and metrics.jsonl.
    Ctrl-C saves the run and prints how to go on.
    """
    from rnncli.config.loading import Override

    limits = [] if max_time is None else [Override(f"training.max_time={max_time}", f"--max-time {max_time}")]
    changes = [*overrides, *limits, *as_overrides(taken_reading(options))]
    if dry_run:
        if first is None or resume or origin:
            raise click.UsageError("--dry-run needs a CONFIG or DATA, and does not go with --resume or --from")
        from rnncli.cli.check import look
        from rnncli.workflows.launcher import launch_in

        if (launch := launch_in(os.environ)) and launch.rank:
            return  # rank 0 tells
        look(first, data, changes, form, "train --dry-run", quiet=quiet)
        return
    from rnncli.ui.training_view import training_view
    from rnncli.workflows.check import MISTAKES, all_mistakes
    from rnncli.workflows.check import Request as Asked
    from rnncli.workflows.together import lead_of
    from rnncli.workflows.train import train
    from rnncli.workflows.train_request import Request

    request = Request(first, data, out, changes, resume, watch_grads, origin)
    lead = lead_of(request, [first, *data])
    try:
        with training_view(quiet=quiet, form=form) as view:
            train(request, view.show, lead)
    except MISTAKES as error:
        if first is None or resume or origin:
            raise
        raise all_mistakes(Asked(first, data, changes), error) from None
