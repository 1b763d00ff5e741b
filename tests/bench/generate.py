"""Generation at batch 1: rnncli and PyTorch's eager loop in turn, in one process, on one thread.

    python tests/bench/generate.py [--cells lstm,gru,rnn] [--hidden 128,256,512] [--json]

Both draw every token from the whole softmax and read it back: an embedding, 2 layers, 65 tokens. Beside the rate stands
what the weights weigh that a token needs, and how fast they were streamed, which is the limit for large networks.
`bfloat16` is rnncli's rate with products in that precision, whose weights weigh half, and `of float32` its multiple.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from contestants import Model, torch_modules
from rich.console import Console
from rich.table import Table

from rnncli.kernels.cells import CELLS
from rnncli.tasks.language_model.decoding import Decoder, Sampling

ROUNDS, SECONDS = 7, 0.4


def rnncli_writer(model: Model) -> Callable[[int], Any]:
    decoder = Decoder(model.network())
    tokens = decoder.write(decoder.read(np.ones(1, np.int32)), Sampling()).sequence(0)
    return lambda count: list(itertools.islice(tokens, count))


def torch_writer(model: Model) -> Callable[[int], Any]:
    import torch

    torch.set_num_threads(1)
    embedding, rnn, head = torch_modules(model)
    carried: list[Any] = [torch.ones(1, 1, dtype=torch.long), None]

    def write(count: int) -> None:
        token, state = carried
        with torch.inference_mode():
            for _ in range(count):
                hidden, state = rnn(embedding(token), state)
                token = torch.multinomial(torch.softmax(head(hidden[0]), -1), 1)
        carried[:] = token, state

    return write


def rate(write: Callable[[int], Any]) -> float:
    """Tokens per second over at least SECONDS."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        write(200)
        count += 200
    return count / (time.perf_counter() - began)


def measured(cells: list[str], sizes: list[int]) -> Iterator[dict[str, Any]]:
    for cell, H in itertools.product(cells, sizes):
        model = Model(cell, H, 2)
        half = replace(model, precision="bfloat16")
        writers = [rnncli_writer(model), torch_writer(model), rnncli_writer(half)]
        for write in writers:
            write(50)
        rounds = [[rate(write) for write in writers] for _ in range(ROUNDS)]
        ours, theirs, halved = (statistics.median(column) for column in zip(*rounds, strict=True))
        weights = 4 * (3 * CELLS[cell].gates * H * H + H * model.V)
        yield {
            "cell": cell,
            "hidden": H,
            "layers": 2,
            "threads": 1,
            "rnncli_tokens_per_second": round(ours),
            "torch_tokens_per_second": round(theirs),
            "ratio": round(ours / theirs, 2),
            "bfloat16_tokens_per_second": round(halved),
            "of_float32": round(halved / ours, 2),
            "weight_bytes": weights,
            "weight_gigabytes_per_second": round(ours * weights / 1e9, 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default="lstm,gru,rnn")
    parser.add_argument("--hidden", default="128,256,512")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = list(measured(arguments.cells.split(","), [int(size) for size in arguments.hidden.split(",")]))
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    heads = ("rnncli", "PyTorch", "ratio", "weights", "streamed", "bfloat16", "of float32")
    table = Table("cell", "H", *heads, title="tokens/s", box=None)
    for row in rows:
        table.add_row(
            row["cell"],
            str(row["hidden"]),
            f"{row['rnncli_tokens_per_second']:,}",
            f"{row['torch_tokens_per_second']:,}",
            f"{row['ratio']:.1f}",
            f"{row['weight_bytes'] / 1e6:.1f} MB",
            f"{row['weight_gigabytes_per_second']:.0f} GB/s",
            f"{row['bfloat16_tokens_per_second']:,}",
            f"{row['of_float32']:.2f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
