"""Character and word error rates: the edits that make transcripts right, in units of what should have been written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rnncli.tasks.edit_distance import Aligned, alignment
from rnncli.training.reports import Confusion

NOTHING = "(nothing)"  # beside what was inserted or deleted


@dataclass(frozen=True)
class Errors:
    """The alignments of some transcripts with what is actual, and the counts of edits in them."""

    pairs: Sequence[Sequence[Aligned]]

    @classmethod
    def of(cls, predicted: Sequence[str], actual: Sequence[str], *, words: bool) -> Errors:
        """Return those of transcripts, by words or else by characters."""
        if words:
            return cls([alignment(p.split(), a.split()) for p, a in zip(predicted, actual, strict=True)])
        return cls([alignment(p, a) for p, a in zip(predicted, actual, strict=True)])

    @property
    def edits(self) -> list[int]:
        """The number of edits of each transcript."""
        return [sum(one.actual != one.predicted for one in pairs) for pairs in self.pairs]

    @property
    def lengths(self) -> list[int]:
        """The number of actual tokens of each transcript."""
        return [sum(one.actual is not None for one in pairs) for pairs in self.pairs]

    @property
    def rate(self) -> float:
        """The edits of all transcripts over their actual tokens; those of no tokens at all count as of one."""
        return sum(self.edits) / max(1, sum(self.lengths))

    def told(self) -> str:
        """Return the kinds of edits in words."""
        every = [one for pairs in self.pairs for one in pairs]
        deleted = sum(one.predicted is None for one in every)
        inserted = sum(one.actual is None for one in every)
        substituted = sum(self.edits) - deleted - inserted
        return f"{substituted:,} substituted, {deleted:,} deleted, {inserted:,} inserted"

    def confusion(self) -> Confusion:
        """Return how often each token was written as each other one, or not at all, or for nothing."""
        named = [(one.actual or NOTHING, one.predicted or NOTHING) for pairs in self.pairs for one in pairs]
        found = sorted({token for pair in named for token in pair} - {NOTHING})
        labels = [*found, *([NOTHING] if any(NOTHING in pair for pair in named) else [])]
        number = {label: i for i, label in enumerate(labels)}
        counts = Counter((number[a], number[p]) for a, p in named)
        return Confusion(tuple(labels), tuple((a, p, count) for (a, p), count in sorted(counts.items())))
