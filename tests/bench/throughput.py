"""Training throughput of rnncli and PyTorch in turn, in one process: the same model, batch and threads.

    env -u OPENBLAS_CORETYPE python tests/bench/throughput.py [--cells lstm,gru,rnn] [--hidden 128,256,512] [--json]

The model: a token's embedding (in rnncli a one-hot input, which is the same function), stacked layers, softmax
cross-entropy over V = 65 tokens, clipping, Adam. Tokens per second are of whole updates; the two alternate and medians
are compared. GFLOP/s counts what rnncli really multiplies; the peak is the best of ten register-only loops on the same
cores in the same run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rnncli.kernels.cells import CELLS
from rnncli.kernels.gemm import multiply, pack, packed_like
from rnncli.models.network import Network, NetworkShape
from rnncli.training.optimizer import Optimizer
from rnncli.training.streams import StreamLearner
from rnncli.training.threads import ThreadPool

V = 65
ROUNDS = 7
PEAK_SECONDS = 0.2


def rnncli_update(cell: str, H: int, layers: int, B: int, T: int, threads: int) -> Callable[[], None]:
    """A function that trains on one window."""
    pool = ThreadPool(threads, np.dtype(np.float32))
    network = Network(NetworkShape(cell, V, H, layers, V, token_input=True))
    network.initialise("orthogonal", 1.0, seed=1)
    ids = np.random.default_rng(0).integers(1, V, B * T * 8 + 1).astype(np.uint8)
    learner = StreamLearner(network, ids, ids[:0], ids[:0], batch_size=B, bptt=T, stride=T, seed=1, pool=pool)
    optimizer = Optimizer("adam", network, 5.0, pool)
    updates = itertools.count()

    def update() -> None:
        learner.gradient(next(updates))
        optimizer.update(2e-3, optimizer.gradient_norm())

    return update


def torch_update(cell: str, H: int, layers: int, B: int, T: int, threads: int) -> Callable[[], None]:
    """The same in PyTorch, as its tutorials write it."""
    import torch

    torch.set_num_threads(threads)
    modules = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
    embedding, rnn, head = torch.nn.Embedding(V, H), modules[cell](H, H, layers), torch.nn.Linear(H, V)
    parameters = [*embedding.parameters(), *rnn.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, 2e-3)
    tokens = torch.randint(0, V, (T + 1, B))
    carried: list[Any] = [None]

    def update() -> None:
        hidden, state = rnn(embedding(tokens[:-1]), carried[0])
        carried[0] = tuple(s.detach() for s in state) if cell == "lstm" else state.detach()
        loss = torch.nn.functional.cross_entropy(head(hidden).flatten(0, 1), tokens[1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()

    return update


def seconds_of(update: Callable[[], None], at_least: float = 0.3) -> float:
    """The mean time of an update over at least so many seconds."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < at_least or count < 2:
        update()
        count += 1
    return (time.perf_counter() - began) / count


def flops_per_token(cell: str, H: int, layers: int) -> float:
    """What rnncli multiplies and adds per trained token: the one-hot first layer has no input product."""
    gates = CELLS[cell].gates
    forward = sum(2 * gates * H * ((H if layer else 0) + H) for layer in range(layers)) + 2 * H * V
    return 3.0 * forward


def peak_gflops(threads: int) -> float:
    """The best rate of products whose operands stay in the nearest cache, on `threads` cores at once."""
    pool = ThreadPool(threads, np.dtype(np.float32))
    K, M, N = 64, 96, 64
    a = np.ones((1, M, K), np.float32)
    packed = packed_like(K, N, a.dtype)
    pack(np.ones((K, N), np.float32), packed, 0, 1)
    start = np.zeros(N, np.float32)

    def loop(first: int, last: int) -> None:
        c = np.zeros((1, M, N), np.float32)
        for _ in range(400):
            multiply(a, packed, start, c, 0, 1, 0, M)

    rates = []
    for _ in range(10):
        began = time.perf_counter()
        pool.over_blocks(threads, loop)
        rates.append(threads * 400 * 2 * M * N * K / (time.perf_counter() - began) / 1e9)
    pool.close()
    return max(rates)


def measured(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for threads in arguments.threads:
        peak = peak_gflops(threads)
        for cell, H, layers, B, T in itertools.product(
            arguments.cells, arguments.hidden, arguments.layers, arguments.batch, arguments.bptt
        ):
            updates = [make(cell, H, layers, B, T, threads) for make in (rnncli_update, torch_update)]
            for update in updates:
                update()  # compiles, allocates
            times = [[seconds_of(update) for update in updates] for _ in range(ROUNDS)]
            ours, theirs = (B * T / statistics.median(column) for column in zip(*times, strict=True))
            gflops = ours * flops_per_token(cell, H, layers) / 1e9
            yield {
                "cell": cell, "hidden": H, "layers": layers, "batch": B, "bptt": T, "threads": threads,
                "rnncli_tokens_per_second": round(ours), "torch_tokens_per_second": round(theirs),
                "ratio": round(ours / theirs, 2), "gflops": round(gflops, 1), "peak_share": round(gflops / peak, 3),
            }  # fmt: skip


def main() -> None:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=lambda text: text.split(","), default=list(CELLS))
    for name, default in (
        ("hidden", "128,256,512"),
        ("layers", "2"),
        ("batch", "50"),
        ("bptt", "50"),
        ("threads", "1,2"),
    ):
        parser.add_argument(f"--{name}", type=numbers, default=numbers(default))
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    arguments = parser.parse_args()
    rows = []
    for row in measured(arguments):
        rows.append(row)
        if not arguments.json:
            print("  ".join(f"{key}={value}" for key, value in row.items()), flush=True)
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        ratios = [row["ratio"] for row in rows]
        print(f"geometric mean of ratios: {statistics.geometric_mean(ratios):.2f}")


if __name__ == "__main__":
    main()
