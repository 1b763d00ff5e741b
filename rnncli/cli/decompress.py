"""The command `rnncli decompress`."""

from __future__ import annotations

import click

from rnncli.cli.options import QUIET, example


@click.command(
    "decompress",
    epilog=example(
        "rnncli compress sample_data/fables.txt -o copy.rnnz",
        "rnncli decompress copy.rnnz -o copy.txt",
    ),
)
@click.argument("data", metavar="FILE|-")
@click.option("-o", "--output", metavar="FILE|-", help="Where to write; FILE without .rnnz by default, - for a pipe.")
@click.option("--run", metavar="RUN", help="The run whose model compressed it, if one did.")
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads; all by default. They change no byte.")
@QUIET
def command(data: str, output: str | None, run: str | None, threads: int | None, quiet: bool) -> None:
    """Write again the bytes that `rnncli compress` coded.

    They are compared with the digest in the code before they are written. FILE stays, and no file is replaced.
    """
    from rnncli.data.source import read_source
    from rnncli.ui.coded import target, write_bytes
    from rnncli.ui.output import say_notes, working
    from rnncli.workflows.compress import ENDING, decompress
    from rnncli.workflows.opening import first_run

    named = data.removesuffix(ENDING)
    if output is None and data != "-" and named == data:
        raise click.UsageError(f"{data}: does not end in {ENDING}, so that -o FILE must say where to write")
    path = target(output, named)
    source = read_source(data, unpacks=False)
    say_notes(first_run(), quiet=quiet)
    with working("decompressing", quiet=quiet) as tell:
        content = decompress(source, run, threads, tell)
    write_bytes(path, content)
