"""The command `rnncli export`."""

from __future__ import annotations

import click

from rnncli.cli.options import PRECISION, QUIET, example, given, in_a_folder


@click.command(
    "export",
    epilog=example(
        "rnncli export runs/fables --to onnx",
    ),
)
@click.argument("run")
@click.option("--to", "form", type=click.Choice(["onnx", "pytorch"]), required=True, help="The form to write.")
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    callback=in_a_folder,
    help="The file (onnx) or folder (pytorch) to make; by default RUN.onnx or RUN-pytorch here. None is replaced.",
)
@click.option("--check", is_flag=True, help="Of onnx: also compare it with onnxruntime, before it is written.")
@click.option("--no-average", is_flag=True, help="Forecast: that of the network alone, averaged with no baseline.")
@PRECISION
@QUIET
def command(
    run: str, form: str, output: str | None, check: bool, no_average: bool, precision: str | None, quiet: bool
) -> None:
    """Write the model of RUN (a run directory or a model file) for other programs.

    As ONNX one file: scaling, embeddings and all networks inside, tokens or raw values, lengths and states in. For
    PyTorch a folder as model hubs have it: weights, config, model card, and a loader that checks itself.
    """
    from rnncli.ui.coded import target, target_folder, write_bytes, write_folder
    from rnncli.ui.exported import say_onnx, say_pytorch
    from rnncli.ui.output import say_notes
    from rnncli.workflows.export import name_of, to_onnx, to_pytorch
    from rnncli.workflows.opening import first_run

    options = given({"no_average": no_average})
    if form == "pytorch":
        if check:
            raise click.UsageError("--check: is for --to onnx; the folder of --to pytorch checks itself by its load.py")
        folder = target_folder(output, f"{name_of(run)}-pytorch")
        say_notes(first_run(), quiet=quiet)
        write_folder(folder, to_pytorch(run, precision, options))
        say_pytorch(folder, quiet=quiet)
        return
    path = target(output, f"{name_of(run)}.onnx")
    say_notes(first_run(), quiet=quiet)
    made = to_onnx(run, precision, options, check=check)
    write_bytes(path, made.content)
    say_onnx(path, len(made.content), made.inputs, made.outputs, made.left_out, made.apart, quiet=quiet)
