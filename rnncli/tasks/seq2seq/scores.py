"""Metrics of written answers (exact match, edit distance, and chrF and BLEU for translations), and their baselines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from rnncli.errors import UsageError
from rnncli.tasks.seq2seq.pairs import Pairs

Metric = Callable[[Sequence[str], Sequence[str]], float]


def exact(predicted: Sequence[str], actual: Sequence[str]) -> float:
    return sum(a == b for a, b in zip(predicted, actual, strict=True)) / len(actual)


def baselines(
    train: Pairs, held_out: Pairs, *, texts: bool, spaced: Callable[[Sequence[str]], list[str]]
) -> list[tuple[str, list[str]]]:
    """Return (name, answers) of each baseline: a copy of the source or the answer to the most similar prompt, and the
    most frequent answer.

    spaced: writes texts as their tokens would be written, so that differences in spaces alone do not count.
    """
    assert train.targets is not None
    targets = spaced(train.targets)
    counts = Counter(targets)
    usual = min(counts, key=lambda target: (-counts[target], target))
    found = [("most frequent", [usual] * len(held_out))]
    if texts:
        columns = [spaced(column) for column in zip(*train.prompts, strict=True)]
        copied = int(np.argmax([exact(column, targets) for column in columns]))  # the one that is most often right
        return [("copy", spaced([prompt[copied] for prompt in held_out.prompts])), *found]
    nearest = []
    for prompt in held_out.prompts:
        alike = [sum(a == b for a, b in zip(prompt, other, strict=True)) for other in train.prompts]
        nearest.append(targets[int(np.argmax(alike))])
    return [("most similar", nearest), *found]


def edit_distance(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the least number of insertions, deletions and replacements between two sequences (Levenshtein, 1966)."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def _by_sacrebleu(name: str) -> Metric:
    def score(predicted: Sequence[str], actual: Sequence[str]) -> float:
        try:
            import sacrebleu
        except ImportError:
            raise UsageError(
                f"--metric {name}: is measured by sacrebleu, which is not installed; pip install 'rnncli[metrics]'"
            ) from None
        return float(getattr(sacrebleu, f"corpus_{name}")(list(predicted), [list(actual)]).score)

    return score


METRICS: dict[str, tuple[str, Metric]] = {
    "exact": ("exact match", exact),
    "chrf": ("chrF", _by_sacrebleu("chrf")),  # Popović, 2015
    "bleu": ("BLEU", _by_sacrebleu("bleu")),  # Papineni et al., 2002
}
"""By name: what a score is called, and its function of what was predicted and what is actual; higher is better."""
