"""The command `rnncli import`."""

from __future__ import annotations

import click

from rnncli.cli.options import QUIET, SET, example
from rnncli.errors import UsageError

TASKS = ("language-model", "classify", "regress", "tag")


def _names(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return each THEIRS=OURS as a pair; click's BadParameter for anything else, or a name that is mapped twice."""
    pairs = tuple((theirs, ours) for text in given for theirs, _, ours in [text.rpartition("=")])
    for text, (theirs, ours) in zip(given, pairs, strict=True):
        if not theirs or not ours:
            raise click.BadParameter(f"{text!r} is not of the form THEIRS=OURS; write fc.weight=head.weight")
        if dict(pairs)[theirs] != ours:
            raise click.BadParameter(f"{theirs!r} is to have two names; give one")
    return pairs


@click.command("import", epilog=example("rnncli import --help"))
@click.argument("file", metavar="FILE")
@click.option("--task", type=click.Choice(TASKS), required=True, help="What the network does.")
@click.option(
    "--vocabulary",
    metavar="FILE",
    help="The tokens that it reads, in the order of their numbers: a JSON list, a JSON object of numbers by token, or "
    "a line for each. Without it the network reads numbers.",
)
@click.option("--labels", metavar="FILE", help="classify, tag: the labels of its outputs, in a file of the same forms.")
@click.option(
    "--map",
    "names",
    multiple=True,
    callback=_names,
    metavar="THEIRS=OURS",
    help="The name that a tensor has in rnncli, where that cannot be told: embedding.weight, head.weight, "
    "rnn.weight_ih_l0, …; may be repeated.",
)
@click.option("-o", "--out", metavar="RUN", help="The run directory to create; a free name under runs/ by default.")
@SET
@QUIET
def command(
    file: str,
    task: str,
    vocabulary: str | None,
    labels: str | None,
    names: tuple[tuple[str, str], ...],
    out: str | None,
    overrides: tuple[str, ...],
    quiet: bool,
) -> None:
    """Make a run of weights that PyTorch saved as safetensors: an nn.RNN, nn.GRU or nn.LSTM of any layers and
    directions, with an embedding before it, if it reads tokens, and a linear head.

    The run answers, generates, and can be trained on: rnncli train --from RUN DATA. Cell, sizes and layers are told by
    the shapes; --set model.activation=relu and --set model.pooling=mean say what they do not tell.
    """
    if out is not None and not out.strip():
        raise UsageError("-o needs the name of a run directory")
    from rnncli.notes import noting
    from rnncli.ui.output import say_next, saying
    from rnncli.workflows.imported import Request, import_run

    with noting(saying(quiet=quiet)):
        run = import_run(Request(file, task, vocabulary, labels, names, out, overrides))
    if not quiet:
        say_next(*(("generate", str(run)) if task == "language-model" else ("predict", str(run), "DATA")), always=True)
