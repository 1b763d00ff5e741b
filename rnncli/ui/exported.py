"""What is said of a model that was exported."""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.ui.coded import PIPE
from rnncli.ui.output import say, say_notes


def say_onnx(
    path: str,
    size: int,
    inputs: Sequence[str],
    outputs: Sequence[str],
    left_out: Sequence[str],
    apart: float | None,
    *,
    quiet: bool,
) -> None:
    """Tell of a file what goes in and out, what is left out, and by how much onnxruntime differs if that is known,
    which is a result."""
    name = "the pipe" if path == PIPE else path
    notes = [f"{name}: {size:,} bytes; {', '.join(inputs)} → {', '.join(outputs)}"]
    say_notes([*notes, *(f"not in it: {one}" for one in left_out)], quiet=quiet)
    if apart is not None:
        say(f"onnxruntime computes the same but for {apart:.1e}")


def say_pytorch(folder: str, *, quiet: bool) -> None:
    """Tell of a folder how it is checked."""
    note = f"{folder}: model.safetensors, config.json, README.md, load.py; python {folder}/load.py checks it"
    say_notes([note], quiet=quiet)
