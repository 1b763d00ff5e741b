"""Scores of labels, one or several for each example, as scikit-learn defines them; what is 0 / 0 there is 0 here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from rnncli.training.headline import CORRECT, Headline
from rnncli.training.reports import Confusion, LabelScore

Sets = Sequence[Collection[str]]  # the labels of each example


def accuracy(predicted: Sequence[str], actual: Sequence[str]) -> float:
    return sum(p == r for p, r in zip(predicted, actual, strict=True)) / len(actual)


def macro_f1(predicted: Sequence[str], actual: Sequence[str]) -> float:
    """Return the mean of 2·hits / (predicted + actual) over the labels that occur in `actual` or `predicted`."""
    return macro_f1_of_sets([(label,) for label in predicted], [(label,) for label in actual])


def macro_f1_of_sets(predicted: Sets, actual: Sets) -> float:
    """Return the same where each example has several labels, or none; 0 if there are no labels at all."""
    hits, both = _counts(predicted, actual)
    return sum(2 * hits[label] / both[label] for label in sorted(both)) / max(1, len(both))


def micro_f1(predicted: Sets, actual: Sets) -> float:
    """Return 2·hits / (predicted + actual) over all labels of all examples."""
    hits, both = _counts(predicted, actual)
    return 2 * hits.total() / max(1, both.total())


def micro_f1_errors(predicted: Sets, actual: Sets) -> list[float]:
    """Return what each example adds to 1 − micro-F1, whose mean it is, to first order (the delta method), so that the
    bootstrap of a ratio is that of a mean."""
    pairs = [(set(p), set(a)) for p, a in zip(predicted, actual, strict=True)]
    f1, size = micro_f1(predicted, actual), max(1, sum(len(p) + len(a) for p, a in pairs)) / len(pairs)
    return [1 - f1 - (2 * len(p & a) - f1 * (len(p) + len(a))) / size for p, a in pairs]


def _counts(predicted: Sets, actual: Sets) -> tuple[Counter[str], Counter[str]]:
    """Return by label how often it was predicted rightly, and how often it occurs in either."""
    hits = Counter(label for p, a in zip(predicted, actual, strict=True) for label in set(p) & set(a))
    return hits, Counter(label for labels in (*predicted, *actual) for label in labels)


def exact_match(predicted: Sets, actual: Sets) -> float:
    """Return the share of the examples whose labels are all predicted, and no others (subset accuracy)."""
    return sum(set(p) == set(a) for p, a in zip(predicted, actual, strict=True)) / len(actual)


def hamming_loss(predicted: Sets, actual: Sets, labels: int) -> float:
    """Return the share of wrong decisions among those on each of so many labels for each example."""
    return sum(len(set(p) ^ set(a)) for p, a in zip(predicted, actual, strict=True)) / (len(actual) * labels)


def at_k(ranked: Sequence[Sequence[str]], actual: Sets, k: int) -> tuple[float, float]:
    """Return precision and recall of the first k labels of each ranking: their hits over k, a mean over the examples;
    and over the actual labels, a mean over the examples that have any.
    """
    hits = [len(set(best[:k]) & set(labels)) for best, labels in zip(ranked, actual, strict=True)]
    recalls = [hit / len(labels) for hit, labels in zip(hits, actual, strict=True) if labels]
    return sum(hits) / (k * len(actual)), sum(recalls) / max(1, len(recalls))


def correct_of(
    predicted: Sequence[Any], baseline: Sequence[Any], actual: Sequence[Any], beside: str, what: str = ""
) -> Headline:
    """Return how many answers are right, beside those of a baseline, which `beside` names."""
    ours, theirs = (sum(a == b for a, b in zip(some, actual, strict=True)) for some in (predicted, baseline))
    return Headline(CORRECT, ours, theirs, beside, len(actual), what)


def by_label(predicted: Sets, actual: Sets) -> tuple[LabelScore, ...]:
    """Return the score of each label that occurs in `actual` or `predicted`, in alphabetical order."""
    hits, both = _counts(predicted, actual)
    support = Counter(label for labels in actual for label in labels)

    def of(label: str) -> LabelScore:
        hit, claimed = hits[label], both[label] - support[label]
        return LabelScore(
            label, hit / max(1, claimed), hit / max(1, support[label]), 2 * hit / both[label], support[label]
        )

    return tuple(of(label) for label in sorted(both))


def confusion(labels: Sequence[str], predicted: Sequence[str], actual: Sequence[str]) -> Confusion:
    """Return the confusion counts: how often each actual label was predicted as each label, `labels` first and then
    those that training never saw.
    """
    labels = [*labels, *sorted(set(actual) - set(labels))]
    number = {label: i for i, label in enumerate(labels)}
    pairs = Counter(zip(actual, predicted, strict=True))
    return Confusion(tuple(labels), tuple(sorted((number[a], number[p], count) for (a, p), count in pairs.items())))
