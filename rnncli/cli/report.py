"""The command `rnncli report`."""

from __future__ import annotations

import click

from rnncli.cli.options import QUIET, example, in_a_folder, writing

_USUAL = "report.html"


def _page(context: click.Context, option: click.Parameter, path: str | None) -> str | None:
    if path is not None and not path.lower().endswith((".html", ".htm")):
        raise click.BadParameter(f"{path!r}: a page is a file that ends in .html; name such a file")
    in_a_folder(context, option, path)
    return path


@click.command("report", epilog=example("rnncli report runs/co2 -o co2.html"))
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="The page to write; report.html by default.",
    callback=_page,
)
@QUIET
def command(runs: tuple[str, ...], output: str | None, quiet: bool) -> None:
    """Write a page on finished runs: one HTML file without scripts that loads nothing, for a mail, a phone or paper.

    It begins with the verdict, and several runs with a comparison. A study, as rnncli tune makes it, stands for those
    of its runs that came to their end. Pictures need the extra rnncli[plots]. What a
    forecast did worst, and what its intervals held, is told if the training data are still as they were.
    """
    from rnncli.notes import noting
    from rnncli.ui.output import put, say_notes, working
    from rnncli.ui.page.runs import page_of
    from rnncli.workflows.opening import first_run
    from rnncli.workflows.report import report

    say_notes(first_run(), quiet=quiet)
    notes: list[str] = []
    with working("reading runs", quiet=quiet) as tell, noting(notes.append):
        page = page_of(report(runs, tell))
    named = output or _USUAL
    with writing("-o", named) as path:
        put(path, page.encode(), named=output is not None)
    say_notes([*notes, f"written to {named}"], quiet=quiet)
