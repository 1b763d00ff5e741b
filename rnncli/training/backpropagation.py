"""The pass of one window through the network on all threads: forward, loss, backward, weight gradients.

Kernels contain no barriers: each thread takes its shard of the batch through the whole window. What is summed over the
batch is summed in groups of its sequences where there are several, see `ranks`.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from rnncli.errors import MachineError
from rnncli.job import joined
from rnncli.kernels import crf, ctc, denormals, forecast_losses, losses
from rnncli.nn.network import Model
from rnncli.nn.parameters import Share
from rnncli.training.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from rnncli.config.training_section import TrainingConfig

P = TypeVar("P")

WORTH_WAKING = 150_000.0  # nanoseconds of work from which other threads are woken
MULTIPLY_ADDS = 50.0  # multiply-adds that one thread does in a nanosecond, roughly
_BLOCK = 1 << 14  # numbers that are added by one thread at least


def cores() -> int:
    """Return the number of CPUs that this process may use, of which taskset, a container or the ranks beside it may
    leave it a few."""
    if threads := joined().threads:
        return threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ThreadPool:
    """A pool of `count` threads, each with its `Share` of the weight gradients; None is one per CPU that it may use.

    ranks: the processes that share the batches of training, beside the threads that share what this one has of them.

    Kernels release the GIL. The calling thread works too, so that a pool of one starts no thread. Waking a thread
    takes some 40 µs in a virtual machine. Callers therefore pass the time that their work takes on one thread, and
    short work runs on the calling thread alone, cut into the same jobs. Denormals are zero on all threads meanwhile.
    """

    def __init__(self, count: int | None, ranks: Ranks = ALONE):
        self.count, self.ranks = count or cores(), ranks
        self.shares = [Share(i, self.count) for i in range(self.count)]
        self._executor = (
            ThreadPoolExecutor(self.count - 1, "rnncli", initializer=denormals.flush) if self.count > 1 else None
        )

    @classmethod
    def of(cls, training: TrainingConfig) -> ThreadPool:
        """Return the threads that a config names for training, on one process."""
        return cls(training.threads, Ranks(training.shards or 1))

    def run(self, jobs: Sequence[Callable[[], None]], nanoseconds: float = math.inf) -> None:
        """Run all jobs and wait, then raise the first error; `nanoseconds` is their rough time on one thread."""
        word = denormals.flush()
        try:
            if self._executor is None or len(jobs) == 1 or nanoseconds < WORTH_WAKING:
                for job in jobs:
                    job()
            else:
                self._spread(jobs, self._executor)
        finally:
            denormals.restore(word)

    def _spread(self, jobs: Sequence[Callable[[], None]], executor: ThreadPoolExecutor) -> None:
        try:
            pending = [executor.submit(job) for job in jobs[1:]]
        except RuntimeError as refusal:
            raise MachineError(f"cannot start {self.count} threads ({refusal}); lower training.threads") from None
        try:
            jobs[0]()
        finally:
            errors = [future.exception() for future in pending]
        for error in errors:
            if error is not None:
                raise error

    def over_batch(
        self, B: int, work: Callable[[int, int], None], nanoseconds: float = math.inf, first: int = 0
    ) -> None:
        """Split B sequences from `first` on into shards, at most one per thread, and run work(low, high) for each."""
        count = max(1, min(self.count, B))
        edges = [first + B * i // count for i in range(count + 1)]
        self.run([partial(work, low, high) for low, high in itertools.pairwise(edges)], nanoseconds)

    def over_blocks(self, blocks: int, work: Callable[[int, int], None], nanoseconds: float = math.inf) -> None:
        """Split `blocks` equal units into shares, at most one per thread, and run work(first, last) for each."""
        self.over_batch(blocks, work, nanoseconds)

    def over_shares(self, work: Callable[[Share], None], nanoseconds: float = math.inf) -> None:
        self.run([partial(work, share) for share in self.shares], nanoseconds)

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown()


@dataclass(frozen=True)
class Loss:
    """A loss kernel of `rnncli.kernels`, the unit of its values, and the arguments that it takes after the targets.

    of_chain: True if the network's chain of tags is one of them, so that a sequence is judged as a whole.
    of_paths: True if they are the numbers of steps and of targets of each sequence, whose targets are aligned to no
    step: symbols from 1 on, with zeros after the end of each.
    """

    kernel: Callable[..., None]
    unit: str
    absurd: float  # a mean loss from which on training counts as diverged
    arguments: tuple[Any, ...] = ()
    of_chain: bool = False
    of_paths: bool = False


# A uniform guess over the largest vocabulary costs 11 nats.
CROSS_ENTROPY = Loss(losses.softmax_cross_entropy, "nats per token", 1e4)
# Beside it an actual transition costs at most what the chain has learnt of it.
CHAIN = Loss(crf.negative_log_likelihood, "nats per token", 1e4, of_chain=True)
# Of each sequence the mean over its symbols; a path that is all but impossible costs some hundreds at each step.
PATHS = Loss(ctc.ctc_loss, "nats per symbol", 1e5, of_paths=True)
# A healthy series may jump by a thousand scales after a calm window: the only bound is what float32 can square.
SQUARED_ERROR = Loss(forecast_losses.squared_error, "squared error in scaled units", 1e30)


class Work(Protocol):
    """The workspace in which a model computes a batch; see `Model.forward`."""

    outputs: np.ndarray

    @property
    def T(self) -> int: ...

    @property
    def B(self) -> int: ...


@dataclass(frozen=True)
class Sample:
    """A batch for inspection: inputs and start state are set, no dropout; `count` as in `Backpropagation.gradient`."""

    work: Any
    targets: np.ndarray
    count: int


class Runner:
    """Runs one model on a pool of threads."""

    def __init__(self, network: Model, pool: ThreadPool):
        self.network, self.pool = network, pool

    def forward(self, work: Work, *, own: bool = False) -> None:
        """Compute the outputs of the window into `work.outputs`; own: of this rank's sequences alone, in training."""
        self._compose_words(work)
        first, last = self.pool.ranks.own(work.B) if own else (0, work.B)
        nanoseconds = self._nanoseconds(work) * (last - first) / work.B
        self.pool.over_batch(last - first, partial(self.network.forward, work), nanoseconds, first)

    def _compose_words(self, work: Work) -> None:
        if words := self.network.words_of(work):
            self.pool.over_batch(words.count, words.forward, self._nanoseconds(work))

    def _nanoseconds(self, work: Work) -> float:
        """Estimate the time of a forward pass on one thread, in nanoseconds."""
        return work.T * work.B * self.network.parameters.weights.size / MULTIPLY_ADDS


class Backpropagation(Runner):
    """Computes losses and gradients of one model with one loss on a pool of threads."""

    def __init__(self, network: Model, loss: Loss, pool: ThreadPool):
        super().__init__(network, pool)
        self.loss = loss

    def gradient(self, work: Work, targets: np.ndarray, count: int) -> float:
        """Return the summed loss of the window, and leave the gradient of its mean over `count` in the parameters.

        Of several ranks, each computes its own sequences, and all get the sums.

        targets: (T − head_from, B) tokens, or (T − head_from, B, K) values, where NaN is unknown and not counted;
        with a pooling (1, B) or (1, B, K); of a loss of paths (S, B) symbols.
        """
        ranks, network, forward = self.pool.ranks, self.network, self._nanoseconds(work)
        per_step = self._run(work, targets, count, *ranks.own(work.B))
        words = network.words_of(work)
        sums = [network.parameters.gradient, *self._made_of, *(words.sums if words else [])]
        loss = ranks.add(self._summed(work, per_step, ranks.groups(work.B), sums), sums)
        if words:
            self.pool.over_batch(words.count, words.backward, forward)
            self.pool.over_shares(words.weight_gradients, forward)
        self.pool.over_shares(network.finish_gradients, forward if self._made_of else 0.0)
        return loss

    @cached_property
    def _made_of(self) -> list[np.ndarray]:
        """The sums over a batch that gradients of parameters are then made of."""
        return self.network.sums_of_all()

    def _summed(
        self, work: Work, per_step: np.ndarray, groups: Sequence[tuple[int, int]], sums: Sequence[np.ndarray]
    ) -> float:
        """Leave the binary tree over these groups of sequences in `sums`, and return that of their losses (T, B)."""
        if len(groups) == 1:
            return self._sum(work, per_step, *groups[0], sums)
        loss = self._summed(work, per_step, groups[: len(groups) // 2], sums)
        before = [one.copy() for one in sums]
        loss += self._summed(work, per_step, groups[len(groups) // 2 :], sums)
        for one, other in zip(sums, before, strict=True):
            self._add(one.reshape(-1), other.reshape(-1))
        return loss

    def _sum(self, work: Work, per_step: np.ndarray, low: int, high: int, sums: Sequence[np.ndarray]) -> float:
        """Leave the sums over the sequences low ≤ b < high in `sums`, and return that of their losses."""
        if low == high:
            for one in sums:
                one[...] = 0
            return 0.0
        words = self.network.words_of(work)

        def summed(share: Share) -> None:
            share = share if high - low == work.B else share.over(low, high)
            if words:
                words.collect(share)
            self.network.weight_gradients(work, share)

        self.pool.over_shares(summed, self._nanoseconds(work) * (high - low) / work.B)
        return float(losses.total(np.ascontiguousarray(per_step[:, low:high])))

    def _add(self, x: np.ndarray, y: np.ndarray) -> None:
        """Add y (n,) to x."""

        def block(first: int, last: int) -> None:
            mine = slice(first * _BLOCK, last * _BLOCK)
            x[mine] += y[mine]

        self.pool.over_blocks(-(-x.size // _BLOCK), block, nanoseconds=0.5 * x.size)

    def gradient_in_pieces(self, pieces: Sequence[P], gradient: Callable[[P], float]) -> float:
        """Return the summed loss of a batch that is computed in pieces, and leave the sum of their gradients.

        gradient: calls `gradient` for a piece, with the number of terms of the whole batch.
        """
        loss, total = gradient(pieces[0]), self.network.parameters.gradient
        for piece in pieces[1:]:
            before = total.copy()
            loss += gradient(piece)
            total += before
        return loss

    def states(self, work: Work, targets: np.ndarray, count: int, **how: bool) -> float:
        """Return the loss as `gradient` does, but stop at gradients of states; `how` goes to the model's `backward`.

        Each rank computes all of it.
        """
        return float(losses.total(self._run(work, targets, count, 0, work.B, **how)))

    def _run(self, work: Work, targets: np.ndarray, count: int, first: int, last: int, **how: bool) -> np.ndarray:
        """Compute forward and backward of sequences first ≤ b < last; return their losses (T, B), 0 for all others."""
        per_step = np.zeros(work.outputs.shape[:2])
        weight, arguments = self.network.dtype.type(1.0 / count), self._arguments(work, targets)

        def shard(low: int, high: int) -> None:
            self.network.forward(work, low, high)
            self.loss.kernel(work.outputs, targets, *arguments, per_step, weight, low, high)
            self.network.backward(work, low, high, **how)

        self._compose_words(work)
        share = (last - first) / work.B
        self.pool.over_batch(last - first, shard, 2 * share * self._nanoseconds(work), first)
        return per_step

    def evaluate(self, work: Work, targets: np.ndarray) -> float:
        """Return the summed loss of the window, without a backward pass."""
        return float(losses.total(self.losses_of(work, targets)))

    def losses_of(self, work: Work, targets: np.ndarray) -> np.ndarray:
        """Return the loss of each step of each sequence of the window, (T, B)."""
        per_step = np.zeros(work.outputs.shape[:2])
        weight, arguments = self.network.dtype.type(1.0), self._arguments(work, targets)

        def shard(low: int, high: int) -> None:
            self.network.forward(work, low, high)
            self.loss.kernel(work.outputs, targets, *arguments, per_step, weight, low, high)

        self._compose_words(work)
        first, last = self.pool.ranks.evaluated(work.B)
        nanoseconds = self._nanoseconds(work) * (last - first) / work.B
        self.pool.over_batch(last - first, shard, nanoseconds, first)
        self.pool.ranks.complete(per_step)
        return per_step

    def _arguments(self, work: Any, targets: np.ndarray) -> tuple[Any, ...]:
        if self.loss.of_paths:
            return work.extent.lengths, (targets > 0).sum(axis=0, dtype=np.int32)
        return (*self.loss.arguments, *([self.network.chain_of(work)] if self.loss.of_chain else []))
