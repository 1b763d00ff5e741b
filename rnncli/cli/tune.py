"""The command `rnncli tune`."""

from __future__ import annotations

from typing import Any

import click

from rnncli.cli.options import QUIET, SET, as_overrides, example, reading_options, taken_reading

LARGEST = 10**6  # number of trials


@click.command(
    "tune",
    epilog=example("rnncli tune sample_configs/co2.yaml --trials 6"),
)
@click.argument("first", metavar="CONFIG|DATA")
@click.argument("data", nargs=-1, metavar="[DATA]...")
@click.option("-o", "--out", metavar="STUDY", help="The folder of the study; runs/NAME-tune by default.")
@SET
@click.option(
    "--over",
    multiple=True,
    metavar="KEY=VALUES",
    help="A key to search, with a range (16..256, 5e-4..1e-2:log, 0..0.5:step=0.1) or a list (gru,lstm); may be "
    "repeated.",
)
@click.option(
    "--trials",
    type=click.IntRange(1, LARGEST),
    metavar="N",
    help="How many trials there are to be; 27 by default.",
)
@click.option("--max-time", metavar="30m", help="Search for so long.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="The seed of what is proposed."
)
@QUIET
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    help="By default a table on a terminal and csv in a pipe; json is the whole study.",
)
@reading_options
def command(
    first: str,
    data: tuple[str, ...],
    out: str | None,
    overrides: tuple[str, ...],
    over: tuple[str, ...],
    trials: int | None,
    max_time: str | None,
    seed: int,
    quiet: bool,
    form: str | None,
    **options: Any,
) -> None:
    """Search for the settings with which a network learns best.

    Each trial is a training with other values of the keys in --over, or in `over` of the config's section `tune`;
    without either, of the learning rate, the size of layers, and dropout or their number. All trials are begun, the
    better third goes on, and of these the better third to the end; the best two are trained from two more seeds.

    STUDY holds a run of each trial and best.yaml. The same command goes on with it where it was stopped, and takes
    part in it from another process or machine. It needs the extra rnncli[tune].
    """
    from rnncli.ui.tuning_view import tuning_view, write_tuned
    from rnncli.workflows.together import lead_of
    from rnncli.workflows.tune import Request, tune

    shown = [*(["-q"] if quiet else []), *([f"--format={form}"] if form else [])]
    changes = [*overrides, *as_overrides(taken_reading(options))]
    request = Request(first, data, out, changes, over, trials, max_time, seed, shown)
    lead = lead_of(request, [first, *data])
    with tuning_view(quiet=quiet) as view:
        found = tune(request, view.show, lead)
    write_tuned(found, form, quiet=quiet)
