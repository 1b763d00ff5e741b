"""The training split of some data, and the splits that are held out of it.

The held-out items are drawn at random by the seed, because files of examples are often sorted by label.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from rnncli.config.sections import Config
from rnncli.data.source import Source, read_source
from rnncli.errors import ConfigError, DataError
from rnncli.kernels import random
from rnncli.notes import note

VALIDATION = 0.1  # of the items, where the config leaves it open
_TRAINING = ""  # among the names of splits
_SPLIT = 1 << 34  # of the seed's independent random streams


class Items(Protocol):
    @property
    def name(self) -> str: ...

    def __len__(self) -> int: ...


D = TypeVar("D", bound=Items)


class Splits(Generic[D]):
    """The training split `train`, and the other splits in `held_out`, by name. `read` reads another file like the
    first; `pick` returns the items with the given numbers.
    """

    def __init__(
        self,
        config: Config,
        whole: D,
        read: Callable[[Source], D],
        pick: Callable[[D, Sequence[int]], D],
        inputs: Sequence[Hashable] = (),
        answers: Sequence[Collection[str]] = (),
    ):
        """Draw the splits. inputs: what each item is predicted from, equal ones of which stay in one split; answers:
        those of each item, or other labels of it, all of which the training split has if it can have them.
        """
        data = config.data
        self.validation = VALIDATION if data.validation is None else data.validation
        self.read, self.pick = read, pick
        shares = {"test": data.test, "validation": self.validation}
        if sum(share for share in shares.values() if isinstance(share, float)) >= 1:
            raise ConfigError("data.validation and data.test leave nothing to train on; lower one of them")
        order = random.shuffled(len(whole), config.training.seed, _SPLIT).tolist()
        counts = {name: int(share * len(whole)) for name, share in shares.items() if isinstance(share, float)}
        drawn = _drawn(order, {name: count for name, count in counts.items() if count}, inputs)
        _keep_answers(drawn, answers, inputs)
        self.held_out: dict[str, D] = {}
        for name, share in shares.items():
            if isinstance(share, str):
                self.held_out[name] = read(read_source(share))
            elif drawn.get(name):
                self.held_out[name] = pick(whole, sorted(drawn[name]))
        if len(drawn[_TRAINING]) < 2:
            left = len(drawn[_TRAINING])
            raise DataError(f"{whole.name}: {left} examples to train on; give more, or hold out less")
        self.train = pick(whole, sorted(drawn[_TRAINING]))

    def scored(self) -> str | None:
        """The name of the split to score on: test, or else validation; None if neither was held out."""
        return next((name for name in ("test", "validation") if name in self.held_out), None)

    def facts(self) -> str:
        """The size of each held-out split for the user, such as `, 100 for test`."""
        return "".join(f", {len(split):,} for {name}" for name, split in self.held_out.items())


def _drawn(order: Sequence[int], counts: dict[str, int], inputs: Sequence[Hashable]) -> dict[str, list[int]]:
    """Return the items of each split: at least so many of `order` as `counts` says, first come first, the others to
    train on; items with equal inputs are drawn together."""
    together = _together(order, inputs)
    drawn: dict[str, list[int]] = {name: [] for name in (*counts, _TRAINING)}
    for items in together:
        name = next((name for name, count in counts.items() if len(drawn[name]) < count), _TRAINING)
        drawn[name] += items
    if counts and (copies := len(order) - len(together)):
        note(
            f"{copies:,} of {len(order):,} sequences have the input or the group of another one; these are in one split"
        )
    return drawn


def _together(items: Sequence[int], inputs: Sequence[Hashable]) -> list[list[int]]:
    """Return lists of the items with equal inputs, in the order of their first ones."""
    together: dict[Hashable, list[int]] = defaultdict(list)
    for item in items:
        together[inputs[item] if inputs else item].append(item)
    return list(together.values())


def _keep_answers(drawn: dict[str, list[int]], answers: Sequence[Collection[str]], inputs: Sequence[Hashable]) -> None:
    """Move the first held-out item of each answer that training lacks to the training split, and those with an equal
    input."""
    if not answers:
        return
    train = drawn[_TRAINING]
    seen = {answer for item in train for answer in answers[item]}
    before = len(train)
    for name in [name for name in drawn if name != _TRAINING]:
        kept: list[int] = []
        for items in _together(drawn[name], inputs):
            theirs = {answer for item in items for answer in answers[item]}
            (kept if seen.issuperset(theirs) else train).extend(items)
            seen |= theirs
        drawn[name] = kept
    if moved := len(train) - before:
        note(f"{moved:,} sequences were moved to the training split, which lacked a label that they have")
