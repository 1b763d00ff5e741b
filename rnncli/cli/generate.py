"""The command `rnncli generate`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnncli.cli.options import PRECISION, QUIET, UNKNOWN, Number, example

if TYPE_CHECKING:
    from rnncli.workflows.generate import Request
    from rnncli.workflows.opening import Model

COLDEST = 1e-6  # below it one token has all the probability


def _positive(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not (math.isfinite(value) and value >= COLDEST):
        raise click.BadParameter(
            f"{value} is not a finite number of at least {COLDEST}; for the most probable token use --top-k 1"
        )
    return value


@click.command(
    "generate",
    epilog=example(
        "rnncli train sample_configs/fables.yaml -o runs/fables",
        'rnncli generate runs/fables -n 160 --prime "The miller " --temperature 0.5',
    ),
)
@click.argument("run")
@click.option(
    "-n",
    "--length",
    type=click.IntRange(0, 10**9),
    default=500,
    show_default=True,
    help="The number of tokens to generate, not counting the prime.",
)
@click.option("--prime", help="Text to continue; it is read, not repeated.")
@click.option("--prime-file", metavar="FILE|-", help="A file with the text to continue.")
@click.option("--echo", is_flag=True, help="Repeat the prime before the text.")
@click.option(
    "--temperature",
    type=float,
    callback=_positive,
    default=1.0,
    show_default=True,
    help="Sampling temperature: below 1 prefers probable tokens, above 1 improbable ones.",
)
@click.option(
    "--top-k", type=click.IntRange(0, 65_536), default=0, help="Sample from the K most probable tokens only; 0 is all."
)
@click.option(
    "--top-p",
    type=Number(0, 1, min_open=True),
    default=1.0,
    help="Sample from the smallest set of tokens with this total probability.",
)
@click.option(
    "--min-p",
    type=Number(0, 1),
    default=0.0,
    help="Leave out tokens that are less probable than this fraction of the most probable one; 0 leaves out none.",
)
@click.option(
    "--repetition-penalty",
    type=Number(0, 100, min_open=True),
    default=1.0,
    help="Multiply by this the log-probability of each of the last 64 tokens written, so that above 1 they come "
    "again more seldom; 1 changes nothing.",
)
@click.option("--bad-words", multiple=True, metavar="TEXT", help="Never write this text; may be repeated.")
@click.option("--bad-words-file", metavar="FILE|-", help="A file of texts that are never written, one a line.")
@click.option(
    "--max-copy",
    type=click.IntRange(1, 10_000),
    help="Draw another token where more than N tokens in a row would be copied from the training text.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="The same seed gives the same text."
)
@click.option("--stop", "stops", multiple=True, metavar="TEXT", help="Stop before this text occurs; may be repeated.")
@click.option("--count", type=click.IntRange(1), default=1, help="The number of texts, from seeds SEED, SEED+1, …")
@click.option("--novel", is_flag=True, help="Of a model of items: leave out what the training text has.")
@click.option(
    "--report",
    is_flag=True,
    help="Tell how much of what was written is copied from the training text, on stderr; keeps all that is written.",
)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help='jsonl: one object {"seed", "text"} per text.',
)
@UNKNOWN
@PRECISION
@QUIET
def command(run: str, echo: bool, form: str, quiet: bool, **parameters: Any) -> None:
    """Write text with the language model of RUN (a run directory or a model file), piece by piece as it is made.

    Several texts are separated by an empty line. A model of items (data.items) writes whole ones: a line each, or
    paragraphs with an empty line between, or files with a line of hyphens between, each of at most -n tokens after the
    prime.
    """
    if parameters["prime"] is not None and parameters["prime_file"] is not None:
        raise click.UsageError("--prime and --prime-file exclude each other")
    if parameters["prime_file"] == parameters["bad_words_file"] == "-":
        raise click.UsageError("--prime-file and --bad-words-file cannot both read standard input; name a file for one")
    from rnncli.errors import quoted
    from rnncli.ui.generated_text import GeneratedText
    from rnncli.ui.output import say, say_next, saying
    from rnncli.workflows.generate import generate
    from rnncli.workflows.runs import listed

    for option, texts in (("--prime", [parameters["prime"]]), ("--bad-words", parameters["bad_words"])):
        for text in filter(os.path.isfile, filter(None, texts)):
            say(f"{option} {text}: is the text itself; what is in that file: {option}-file {quoted(text)}")
    with GeneratedText(form, parameters["seed"], echoes=echo) as out:
        generate(request_of(run, parameters), out, saying(quiet=quiet), say)
    if not quiet and listed(Path(run)).can_be_evaluated:
        say_next("evaluate", run)


def request_of(run: str | Model, parameters: Mapping[str, Any]) -> Request:
    """Return the request that the parameters of this command are."""
    from rnncli.workflows.generate import Request

    options = dict(parameters)
    prime, prime_file, bad_words_file, stops, report, precision = (
        options.pop(name) for name in ("prime", "prime_file", "bad_words_file", "stops", "report", "precision")
    )
    for name in ("bad_words", "max_copy"):
        if not options[name]:
            del options[name]
    return Request(run, options, prime or "", tuple(filter(None, stops)), report, prime_file, bad_words_file, precision)
