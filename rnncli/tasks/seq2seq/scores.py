"""Metrics of written answers (exact match, edit distance, and chrF and BLEU for translations), and their baselines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from rnncli.data.text import WORDS, Kind, detokenize, tokenize
from rnncli.errors import UsageError, shown
from rnncli.notes import doubt
from rnncli.tasks.seq2seq import endings
from rnncli.tasks.seq2seq.pairs import Pairs

Metric = Callable[[Sequence[str], Sequence[str]], float]


def line(tokens: Iterable[str], kind: Kind) -> str:
    """Return the line that is written for these tokens; it is what is scored."""
    return detokenize(tokens, kind).strip("\n").replace("\n", " ")


def doubt_unwritable(train: Pairs, kind: Kind) -> None:
    """Tell of targets whose own tokens are not written as the targets stand in the data."""
    assert train.targets is not None
    lines = [line(tokenize(target, kind), kind) for target in train.targets]
    lost = [i for i, (one, target) in enumerate(zip(lines, train.targets, strict=True)) if one != target]
    if lost:
        first = train.targets[lost[0]]
        mends: tuple[Kind, ...] = ("whitespace", "char")
        mend = next((f"; set data.tokens: {kind}" for kind in mends if line(tokenize(first, kind), kind) == first), "")
        doubt(
            f"{len(lost):,} of {len(lines):,} targets to train on cannot be written as they stand, and score as "
            f"wrong; the first ({train.where(lost[0])}) is {shown(first)}, and is written {shown(lines[lost[0]])}{mend}"
        )


def exact(predicted: Sequence[str], actual: Sequence[str]) -> float:
    return sum(a == b for a, b in zip(predicted, actual, strict=True)) / len(actual)


def baselines(
    train: Pairs,
    held_out: Pairs,
    kind: Kind,
    *,
    texts: bool,
    learnt: endings.Endings | None = None,
    answered: Pairs | None = None,
) -> list[tuple[str, list[str]]]:
    """Return (name, answers) of each baseline: a copy of the source or the answer to the most similar prompt, the most
    frequent answer, and of words, written letter by letter, the most frequent change of their ending.

    kind: of the tokens of answers. texts: True if prompts are texts. learnt: the changes of endings, if known already.
    answered: the pairs that tell the most frequent answer, if others than `train`.
    """
    assert train.targets is not None
    targets = train.targets
    counts = Counter((answered or train).targets or ())
    usual = min(counts, key=lambda target: (-counts[target], target))
    found = [("most frequent", [usual] * len(held_out))]
    if texts:
        columns = zip(*train.prompts, strict=True)
        copied = int(np.argmax([exact(column, targets) for column in columns]))  # the one that is most often right
        if kind not in WORDS and endings.are_words(train.prompts, targets):
            rules = learnt or endings.Endings.of(train.prompts, targets)
            found.append(("change of ending", rules.answers(held_out.prompts)))
        return [("copy", [prompt[copied] for prompt in held_out.prompts]), *found]
    nearest = []
    for prompt in held_out.prompts:
        alike = [sum(a == b for a, b in zip(prompt, other, strict=True)) for other in train.prompts]
        nearest.append(targets[int(np.argmax(alike))])
    return [("most similar", nearest), *found]


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
