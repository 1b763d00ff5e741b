"""A bidirectional network over sequences of unequal length: rnncli and PyTorch's packed sequences in turn.

    env -u OPENBLAS_CORETYPE python tests/bench/ragged.py [--tasks classify,transcribe] [--cells lstm,gru,rnn] \
        [--hidden 64,128] [--json]

Both train the same batches, longest first: two layers, clipping, Adam. To classify is the mean over each sequence's own
steps and a softmax over ten labels; to transcribe is CTC of eleven symbols and a blank, one symbol in ten steps. Steps
per second are of real steps, padding not counted.
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
from rnncli.tasks.transcribe.learner import TranscriptData, TranscriptLearner
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer

N, B = 256, 32


def sequences(shortest: int, longest: int, features: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    lengths = random.integers(shortest, longest + 1, N)
    return [random.normal(0, 1, (int(n), features)).astype(np.float32) for n in lengths]


class Classify:
    """One label for each sequence."""

    features, outputs, pooling = 12, 10, "mean"

    def __init__(self) -> None:
        self.inputs = sequences(10, 60, self.features)
        self.targets = np.random.default_rng(1).integers(0, self.outputs, N).astype(np.int32)

    def learner(self, network: Network, pool: ThreadPool) -> ExampleLearner:
        data = ExampleData(self.inputs, self.targets)
        return ExampleLearner(network, data, ExampleData(), loss=CROSS_ENTROPY, batch_size=B, seed=1, pool=pool)

    def torch_targets(self, chosen: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(self.targets[chosen]).long()

    def torch_loss(self, y: Any, lengths: Any, head: Any, targets: Any) -> Any:
        import torch

        return torch.nn.functional.cross_entropy(head(y.sum(dim=0) / lengths[:, None]), targets)


class Transcribe:
    """Symbols for each sequence, which are aligned to no step; as many features as bands of speech."""

    features, outputs, pooling = 40, 12, None

    def __init__(self) -> None:
        self.inputs = sequences(30, 120, self.features)
        random = np.random.default_rng(1)
        self.targets = [random.integers(1, self.outputs, len(x) // 10).astype(np.int32) for x in self.inputs]

    def learner(self, network: Network, pool: ThreadPool) -> TranscriptLearner:
        how: dict[str, Any] = {"batch_size": B, "seed": 1, "pool": pool, "judge": lambda: None, "augment": None}
        return TranscriptLearner(network, TranscriptData(self.inputs, self.targets), TranscriptData(), **how)

    def torch_targets(self, chosen: np.ndarray) -> Any:
        import torch

        targets = [torch.from_numpy(self.targets[i]).long() for i in chosen]
        return torch.cat(targets), torch.tensor([len(target) for target in targets])

    def torch_loss(self, y: Any, lengths: Any, head: Any, targets: Any) -> Any:
        import torch

        symbols, counts = targets
        return torch.nn.functional.ctc_loss(head(y).log_softmax(dim=2), symbols, lengths, counts)


TASKS: dict[str, type[Classify | Transcribe]] = {"classify": Classify, "transcribe": Transcribe}


def learner_of(task: Classify | Transcribe, cell: str, hidden: int, pool: ThreadPool) -> Any:
    shape = NetworkShape(cell, task.features, hidden, 2, task.outputs, False, bidirectional=True, pooling=task.pooling)
    network = Network(shape)
    network.initialise("orthogonal", 1.0, seed=1)
    return task.learner(network, pool)


def rnncli_epoch(task: Classify | Transcribe, cell: str, hidden: int, threads: int) -> Callable[[], Any]:
    pool = ThreadPool(threads)
    learner = learner_of(task, cell, hidden, pool)
    optimizer = Optimizer("adam", learner.network, CLIP, pool)

    def epoch() -> None:
        for update in range(learner.updates_per_epoch):
            learner.gradient(update)
            optimizer.update(RATE, optimizer.gradient_norms())

    return epoch


def torch_epoch(task: Classify | Transcribe, cell: str, hidden: int, threads: int) -> Callable[[], Any]:
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    torch.set_num_threads(threads)
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]
    rnn = kind(task.features, hidden, 2, bidirectional=True)
    head = torch.nn.Linear(2 * hidden, task.outputs)
    parameters = [*rnn.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, RATE)
    batches = []
    for chosen in learner_of(task, cell, hidden, ThreadPool(1)).batches._epoch(0):
        lengths = torch.tensor([len(task.inputs[i]) for i in chosen])
        padded = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(task.inputs[i]) for i in chosen])
        batches.append((padded, lengths, task.torch_targets(chosen)))

    def epoch() -> None:
        for padded, lengths, targets in batches:
            y, _ = pad_packed_sequence(rnn(pack_padded_sequence(padded, lengths))[0])
            loss = task.torch_loss(y, lengths, head, targets)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, CLIP)
            optimizer.step()

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--cells", default="lstm,gru,rnn")
    parser.add_argument("--hidden", default="64,128")
    parser.add_argument("--threads", default=",".join(map(str, sorted({1, os.cpu_count() or 1}))))
    parser.add_argument("--json", action="store_true", help="a list of objects instead of a table")
    arguments = parser.parse_args()
    rows = []
    for threads, name, cell, hidden in itertools.product(
        map(int, arguments.threads.split(",")),
        arguments.tasks.split(","),
        arguments.cells.split(","),
        map(int, arguments.hidden.split(",")),
    ):
        task = TASKS[name]()
        setting = task, cell, hidden, threads
        steps = sum(map(len, task.inputs))
        epochs = {"rnncli": rnncli_epoch(*setting), "torch": torch_epoch(*setting)}
        rate = {who: steps / seconds for who, seconds in medians(epochs, 0.3, 5, threads).items()}
        rows.append(
            {"task": name, "cell": cell, "hidden": hidden, "threads": threads}
            | {f"{who}_steps_per_second": round(value) for who, value in rate.items()}
            | {"ratio": round(rate["rnncli"] / rate["torch"], 2)}
        )
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    table = Table("task", "cell", "H", "threads", "rnncli", "PyTorch", "ratio", title="steps/s", box=None)
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
