"""The training split of some data, and the splits that are held out of it.

The held-out items are drawn at random by the seed, because files of examples are often sorted by label, and stratified:
every split has its share of each answer. For that, the items in random order are sorted by their answers, and evenly
spaced ones are taken; the circle that they form is begun at a random place, so that no answer is always rounded up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Sequence
from copy import copy
from typing import Any, Generic, Protocol, TypeVar

from rnncli.config.sections import Config
from rnncli.data.places import Places
from rnncli.data.source import Source, read_source
from rnncli.errors import ConfigError, DataError
from rnncli.kernels import random
from rnncli.notes import doubt, note, noting

FEW = 100  # held-out items, below which they choose too much by chance
SHARE = 0.1  # of the items, for validation
FOLDS = 5
_TRAINING = ""  # among the names of splits
_SPLIT = 1 << 34  # of the seed's independent random streams


class Items(Protocol):
    @property
    def name(self) -> str: ...

    def __len__(self) -> int: ...


D = TypeVar("D", bound=Items)


def validated_by(data: Any, count: int) -> dict[str, Any]:
    """Return data.validation and data.folds for so many items, of which one is used; a task may lack folds."""
    validation, folds = data.validation, getattr(data, "folds", 0)
    if validation is None and folds is None:
        folds = FOLDS if int(SHARE * count) < FEW else 0
    if validation is None and not folds:
        validation = SHARE
    return {"validation": validation, "folds": folds or 0}


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
        strata: Sequence[Any] = (),
        opened: Callable[[str], Source] = read_source,
    ):
        """Draw the splits. inputs: what each item is predicted from, equal ones of which stay in one split; answers:
        those of each item, or other labels of it, all of which the training split has if it can have them; strata: what
        the items are sorted by to be stratified, if they are; opened: opens the file of a split, which `read` reads.
        """
        data = self._data = config.data
        self.read, self.pick = read, pick
        self.validated = validated_by(data, len(whole))
        shares = {"test": data.test, "validation": self.validated["validation"]}
        self._inputs, self._answers, self._strata, self._whole = inputs, answers, strata, whole
        if sum(share for share in shares.values() if isinstance(share, float)) >= 1:
            raise ConfigError("data.validation and data.test leave nothing to train on; lower one of them")
        order = random.shuffled(len(whole), config.training.seed, _SPLIT).tolist()
        counts = {name: int(share * len(whole)) for name, share in shares.items() if isinstance(share, float)}
        drawn = _drawn(order, {name: count for name, count in counts.items() if count}, inputs, strata)
        _keep_answers(drawn, answers, inputs)
        self.held_out: dict[str, D] = {}
        for name, share in shares.items():
            if isinstance(share, str):
                self.held_out[name] = read(opened(share))
            elif drawn.get(name):
                self.held_out[name] = pick(whole, sorted(drawn[name]))
            elif share:
                self._doubt_empty(name, counts[name])
        if len(drawn[_TRAINING]) < 2:
            left = len(drawn[_TRAINING])
            raise DataError(f"{whole.name}: {left} examples to train on; give more, or hold out less")
        self._drawn = drawn[_TRAINING]
        held_out = [item for name, items in drawn.items() if name != _TRAINING for item in items]
        self.places = Places.of_items(self._drawn, held_out)
        self.train = pick(whole, sorted(self._drawn))
        self._folds = self._dealt(self.validated["folds"])
        if self.validated["folds"] and not self._folds:
            self.validated |= {"validation": self.validated["validation"] or 0.0, "folds": 0}
            self._doubt_empty("folds", len(self._drawn))

    def folds(self) -> list[Splits[D]]:
        """Return pairs of a training and a validation split of the training split, for cross-validation, if there is to
        be one: each item is in one validation split, unless training would then lack an answer.
        """
        found = []
        for drawn in self._folds:
            fold = copy(self)
            fold.train, held_out = (self.pick(self._whole, sorted(chosen)) for chosen in drawn.values())
            fold.held_out = {"validation": held_out}
            found.append(fold)
        return found

    def _dealt(self, count: int) -> list[dict[str, list[int]]]:
        """Return the items of the two splits of each of so many folds, none if these would not be two at least."""
        if not count:
            return []
        together = _in_order(_together(self._drawn, self._inputs), self._strata)
        dealt: list[list[int]] = [[] for _ in range(min(count, len(together)))]
        for items in together:
            min(dealt, key=len).extend(items)
        found = []
        for items in dealt:
            rest = [item for others in dealt if others is not items for item in others]
            drawn = {_TRAINING: rest, "validation": items}
            with noting(lambda text: None):
                _keep_answers(drawn, self._answers, self._inputs)
            if drawn["validation"] and len(drawn[_TRAINING]) > 1:
                found.append(drawn)
        return found if len(found) > 1 else []

    def _doubt_empty(self, name: str, count: int) -> None:
        """Tell why nothing is held out for a split or for folds, which were to have `count` items, and what helps."""
        whole, kinds = len(self._whole), len(set(self._inputs))
        why, mend = "every sequence that would be held out has a label that no other has", ""
        if not count:
            why = f"the share of {whole:,} sequences is less than one"
        elif 0 < kinds < whole:
            why = f"equal inputs or groups stay together, {kinds:,} in {whole:,} sequences"
            why += ", each with a label that no other has" if kinds > 1 else ""
            mend = (
                ", or hold copies out of each other with --set data.group=none" if hasattr(self._data, "group") else ""
            )
        key = "validation" if name == "folds" else name
        doubt(f"{self._whole.name}: nothing is held out for {name}: {why}; name a file of others, data.{key}{mend}")

    def scored(self) -> str | None:
        """The name of the split to score on: test, or else validation; None if neither was held out."""
        return next((name for name in ("test", "validation") if name in self.held_out), None)

    def named(self, split: str) -> str:
        """Return what a held-out split is called in messages: by its file, if that is one of its own."""
        own = self.held_out[split].name
        return own if own != self.train.name else f"the {split} split"

    @property
    def judges(self) -> int:
        """The number of items that training is judged by: those of the validation split, or all in cross-validation."""
        return len(self.train if self.validated["folds"] else self.held_out.get("validation", ()))

    def facts(self) -> str:
        """The size of each held-out split for the user, such as `, 100 for test`."""
        return "".join(f", {len(split):,} for {name}" for name, split in self.held_out.items())

    def reasons(self) -> dict[str, str]:
        """Return why these splits are held out, by the key of the config that says so."""
        held_out = len(self.held_out.get("validation", ()))
        return {
            "data.validation": f"{held_out:,} are held out, to see when the network is best" if held_out else "",
            "data.folds": "few data: networks that lack one part each find how long to train",
        }


def by_rarest(answers: Sequence[Collection[str]]) -> list[list[tuple[int, str]]]:
    """Return strata of items with one answer each or several: items are sorted by their rarest answer first, since the
    others occur in every split anyway (as iterative stratification does; Sechidis et al., 2011)."""
    counts = Counter(answer for some in answers for answer in set(some))
    return [sorted((counts[answer], answer) for answer in set(some)) for some in answers]


def _drawn(
    order: Sequence[int], counts: dict[str, int], inputs: Sequence[Hashable], strata: Sequence[Any]
) -> dict[str, list[int]]:
    """Return the items of each split, about as many as `counts` says and the others to train on; items with equal
    inputs are drawn together. Without strata, those that come first are drawn, and at least so many."""
    together = _together(order, inputs)
    if strata:
        drawn = _stratified(together, counts, strata)
    else:
        drawn = {name: [] for name in (*counts, _TRAINING)}
        for items in together:
            name = next((name for name, count in counts.items() if len(drawn[name]) < count), _TRAINING)
            drawn[name] += items
    if counts and (copies := len(order) - len(together)):
        note(
            f"{copies:,} of {len(order):,} sequences have the input or group of an earlier one; they are in the "
            "same split"
        )
    return drawn


def _stratified(together: list[list[int]], counts: dict[str, int], strata: Sequence[Any]) -> dict[str, list[int]]:
    """Return the items of each split: of the lists `together`, in the order of their strata, evenly spaced ones."""
    left = _in_order(together, strata)
    drawn: dict[str, list[int]] = {}
    for name, count in counts.items():
        taken, left = _evenly(left, count)
        drawn[name] = [item for items in taken for item in items]
    return drawn | {_TRAINING: [item for items in left for item in items]}


def _in_order(together: list[list[int]], strata: Sequence[Any]) -> list[list[int]]:
    """Return lists of items in the order of their strata, from the first list on and round; as they are without any."""
    if not strata:
        return together
    ordered = sorted(together, key=lambda items: min(strata[item] for item in items))
    first = ordered.index(together[0])
    return ordered[first:] + ordered[:first]


def _evenly(lists: list[list[int]], count: int) -> tuple[list[list[int]], list[list[int]]]:
    """Return evenly spaced ones of these lists, which have `count` items in all if each has one item, and the others.

    Of lists of several items, at least one is taken.
    """
    whole, due = sum(map(len, lists)), 0
    taken: list[list[int]] = []
    left: list[list[int]] = []
    for items in lists:
        due += len(items) * count  # in wholes
        chosen = 2 * due > len(items) * whole
        due -= len(items) * whole * chosen
        (taken if chosen else left).append(items)
    return (taken, left) if taken else (lists[:1], lists[1:])


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
