"""The command `rnncli compress`."""

from __future__ import annotations

import click

from rnncli.cli.options import QUIET, example


@click.command(
    "compress",
    epilog=example(
        "rnncli compress sample_data/fables.txt -o fables.rnnz",
    ),
)
@click.argument("data", metavar="FILE|-")
@click.option("-o", "--output", metavar="FILE|-", help="Where to write; FILE.rnnz by default, and - for a pipe.")
@click.option("--run", metavar="RUN", help="A run of a language model, which decompress then needs too.")
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads; all by default. They change no byte.")
@click.option("-f", "--format", "form", type=click.Choice(["text", "json"]), default="text", help="The form of sizes.")
@QUIET
def command(data: str, output: str | None, run: str | None, threads: int | None, form: str, quiet: bool) -> None:
    """Code any file in fewer bytes, by what a network and counts expect of each; decompress undoes it.

    Without --run both learn from the file as they go. With it the network has learnt before: of text like that which
    it was trained on less is left. FILE stays, and no file is replaced.
    """
    from rnncli.data.source import read_source
    from rnncli.ui.coded import say_sizes, target, write_bytes
    from rnncli.ui.output import say_notes, working
    from rnncli.workflows.compress import ENDING, compress
    from rnncli.workflows.opening import first_run

    path = target(output, "-" if data == "-" else data + ENDING)
    source = read_source(data, unpacks=False)
    say_notes(first_run(), quiet=quiet)
    with working("compressing", quiet=quiet) as tell:
        code = compress(source, run, threads, tell)
    write_bytes(path, code)
    say_sizes(source.name, source.size, len(code), path, form, quiet=quiet)
