"""Options that several commands share."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

SET = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override one config key, such as training.epochs=5; may be repeated.",
)
QUIET = click.option(
    "-q", "--quiet", is_flag=True, help="Say nothing but errors, doubts about the data and the result."
)
PRECISION = click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="What the factors of matrix products are rounded to; by default as the model was trained.",
)


def _pairs(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return each text A=B as (A, B); it is cut at its last equals sign that something stands behind."""
    pairs = [(first, second + text[-1:]) for text in given for first, _, second in [text[:-1].rpartition("=")]]
    for text, (unknown, known) in zip(given, pairs, strict=True):
        if not unknown:
            raise click.BadParameter(f"{text!r} is not of the form A=B; write é=e to read é as e")
        if dict(pairs)[unknown] != known:
            raise click.BadParameter(f"{unknown!r} is to be read in two ways; give one")
    return tuple(pairs)


UNKNOWN = click.option(
    "--unknown",
    multiple=True,
    callback=_pairs,
    metavar="A=B",
    help="Of a language model: read the character or word A, where the model does not know it, as B; may be repeated.",
)
READING = ("encoding", "delimiter", "decimal", "thousands", "quoting", "skip_rows", "skip_footer", "ragged", "missing")


def example(*lines: str) -> str:
    """Return the end of a command's help: commands that work in a folder with the sample data, in the order of help."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])


def reading_options(function: F) -> F:
    """Add the options for how DATA is read; each stands for the `data` key of the same name."""
    for option in (
        click.option(
            "--missing",
            type=click.Choice(["refuse", "ffill", "interpolate", "mask", "zero"]),
            help="What to do with missing values.",
        ),
        click.option(
            "--ragged",
            type=click.Choice(["refuse", "skip"]),
            help="What to do with CSV rows that have too few or too many fields.",
        ),
        click.option("--skip-rows", type=click.IntRange(0, 10**9), help="The number of lines before the CSV header."),
        click.option(
            "--skip-footer",
            type=click.IntRange(0, 10**9),
            help="The number of rows at the end of the CSV to leave out.",
        ),
        click.option(
            "--quoting",
            type=click.Choice(["minimal", "none"]),
            help="Whether quotes hold the text of a CSV field together, or are part of it (none).",
        ),
        click.option(
            "--thousands",
            type=click.Choice([",", ".", " ", "'"]),
            help="Forecast: the mark between thousands of numbers in a CSV.",
        ),
        click.option("--decimal", type=click.Choice([".", ","]), help="The decimal mark of numbers in a CSV."),
        click.option("--delimiter", help="The character between the columns of a CSV."),
        click.option("--encoding", help="The character encoding of the data, such as latin-1."),
    ):
        function = option(function)
    return function


def taken_reading(options: dict[str, Any]) -> dict[str, Any]:
    """Remove the reading options from `options`, and return those that were given, by `data` key."""
    taken = {name: options.pop(name) for name in READING}
    return {name: value for name, value in taken.items() if value is not None}


def as_overrides(reading: dict[str, Any]) -> list[str]:
    """Return the reading options as overrides, in the form that `--set` takes."""
    import json

    from rnncli.config.loading import Override

    plain = re.compile("[a-z]+")  # and no other type in YAML
    return [
        Override(
            f"data.{name}={value if plain.fullmatch(str(value)) else json.dumps(value)}",
            f"--{name.replace('_', '-')} {value}",
        )
        for name, value in reading.items()
    ]


def retyped(overrides: Sequence[str]) -> list[str]:
    """Return the arguments of a command line that stand for overrides: options of their own, or `--set`."""
    from rnncli.config.loading import Override

    typed = (one.typed.split(" ", 1) if isinstance(one, Override) else ("--set", one) for one in overrides)
    return [argument for arguments in typed for argument in arguments]


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given a value."""
    return {name: value for name, value in options.items() if value is not None and value is not False and value != ()}


class Number(click.FloatRange):
    """A number in a range; neither NaN, which no range refuses, nor infinity."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        with contextlib.suppress(ValueError):  # refused below
            if not math.isfinite(float(value)):
                self.fail(f"{value} is not a number; give one", param, ctx)
        return super().convert(value, param, ctx)


def in_a_folder(context: click.Context, option: click.Parameter, path: Any) -> Any:
    """Refuse, before any work begins, a file whose folder is missing."""
    if path is not None:
        from rnncli.ui.output import require_folder

        require_folder(option.opts[0], path)
    return path


def _picture(context: click.Context, option: click.Parameter, path: str | None) -> str | None:
    """Refuse, before any work begins, a picture that cannot be drawn."""
    if path is not None:
        from rnncli.ui.pictures.canvas import require_picture

        require_picture(option.opts[-1], path)
    return path


def picture_option(text: str, *names: str) -> Callable[[F], F]:
    """Return the option of a file to draw a picture into."""
    return click.option(*(names or ("--plot",)), metavar="FILE.png|svg|pdf", callback=_picture, help=text)


@contextlib.contextmanager
def writing(option: str, path: str) -> Iterator[Path]:
    """Yield the path that an option names; MachineError where it cannot be written."""
    from rnncli.errors import MachineError

    try:
        yield Path(path)
    except OSError as error:
        raise MachineError(f"{option} {path}: cannot write: {(error.strerror or '').lower()}; name another") from None
