"""A bidirectional classifier over sequences of unequal length: rnncli and PyTorch's packed sequences in turn.

    env -u OPENBLAS_CORETYPE python tests/bench/ragged.py [--cells lstm,gru,rnn] [--hidden 64,128] [--json]

Both train the same batches, longest first: two layers, the mean over each sequence's own steps, a softmax over ten
labels, clipping, Adam. Steps per second are of real steps, padding not counted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from contestants import CLIP, RATE
from rich.console import Console
from rich.table import Table
from throughput import medians

from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.sequences.classify import CROSS_ENTROPY
from rnncli.tasks.sequences.learner import ExampleData, ExampleLearner
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer

N, B, FEATURES, LABELS, LENGTHS = 256, 32, 12, 10, (10, 60)


def data() -> tuple[list[np.ndarray], np.ndarray]:
    random = np.random.default_rng(0)
    lengths = random.integers(LENGTHS[0], LENGTHS[1] + 1, N)
    inputs = [random.normal(0, 1, (int(n), FEATURES)).astype(np.float32) for n in lengths]
    return inputs, random.integers(0, LABELS, N).astype(np.int32)


def learner_of(cell: str, hidden: int, threads: int) -> tuple[ExampleLearner, ThreadPool]:
    network = Network(NetworkShape(cell, FEATURES, hidden, 2, LABELS, False, bidirectional=True, pooling="mean"))
    network.initialise("orthogonal", 1.0, seed=1)
    pool = ThreadPool(threads)
    inputs, targets = data()
    return (
        ExampleLearner(
            network, ExampleData(inputs, targets), ExampleData(), loss=CROSS_ENTROPY, batch_size=B, seed=1, pool=pool
        ),
        pool,
    )


def rnncli_epoch(cell: str, hidden: int, threads: int) -> Callable[[], Any]:
    learner, pool = learner_of(cell, hidden, threads)
    optimizer = Optimizer("adam", learner.network, CLIP, pool)

    def epoch() -> None:
        for update in range(learner.updates_per_epoch):
            learner.gradient(update)
            optimizer.update(RATE, optimizer.gradient_norms())

    return epoch


def torch_epoch(cell: str, hidden: int, threads: int) -> Callable[[], Any]:
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    torch.set_num_threads(threads)
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]
    rnn = kind(FEATURES, hidden, 2, bidirectional=True)
    head = torch.nn.Linear(2 * hidden, LABELS)
    parameters = [*rnn.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, RATE)
    learner, _ = learner_of(cell, hidden, 1)
    inputs, targets = data()
    batches = []
    for chosen in learner.batches._epoch(0):
        lengths = torch.tensor([len(inputs[i]) for i in chosen])
        padded = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(inputs[i]) for i in chosen])
        batches.append((padded, lengths, torch.from_numpy(targets[chosen]).long()))

    def epoch() -> None:
        for padded, lengths, wanted in batches:
            y, _ = pad_packed_sequence(rnn(pack_padded_sequence(padded, lengths))[0])
            loss = torch.nn.functional.cross_entropy(head(y.sum(dim=0) / lengths[:, None]), wanted)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, CLIP)
            optimizer.step()

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default="lstm,gru,rnn")
    parser.add_argument("--hidden", default="64,128")
    parser.add_argument("--threads", default=",".join(map(str, sorted({1, os.cpu_count() or 1}))))
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    arguments = parser.parse_args()
    steps = sum(len(x) for x in data()[0])
    rows = []
    for threads, cell, hidden in itertools.product(
        map(int, arguments.threads.split(",")), arguments.cells.split(","), map(int, arguments.hidden.split(","))
    ):
        epochs = {"rnncli": rnncli_epoch(cell, hidden, threads), "torch": torch_epoch(cell, hidden, threads)}
        rate = {name: steps / seconds for name, seconds in medians(epochs, 0.3, 5, threads).items()}
        rows.append(
            {"cell": cell, "hidden": hidden, "threads": threads}
            | {f"{name}_steps_per_second": round(value) for name, value in rate.items()}
            | {"ratio": round(rate["rnncli"] / rate["torch"], 2)}
        )
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    table = Table("cell", "H", "threads", "rnncli", "PyTorch", "ratio", title="steps/s", box=None)
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
