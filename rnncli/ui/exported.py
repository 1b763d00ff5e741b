"""What is said of a model that was exported."""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.ui.coded import PIPE
from rnncli.ui.output import say


def say_onnx(
    path: str, size: int, inputs: Sequence[str], outputs: Sequence[str], left_out: Sequence[str], apart: float | None
) -> None:
    """Tell of a file what goes in and out, what is left out, and by how much onnxruntime differs if that is known."""
    say(f"{'the pipe' if path == PIPE else path}: {size:,} bytes; {', '.join(inputs)} → {', '.join(outputs)}")
    for one in left_out:
        say(f"not in it: {one}")
    if apart is not None:
        say(f"onnxruntime computes the same but for {apart:.1e}")


def say_pytorch(folder: str) -> None:
    """Tell of a folder how it is checked."""
    say(f"{folder}: model.safetensors, config.json, README.md, load.py; python {folder}/load.py checks it")
