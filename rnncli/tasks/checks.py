"""Checks that a command line asks for, on scores of every task."""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.config.suggestions import did_you_mean
from rnncli.errors import CheckFailedError, UsageError
from rnncli.training.reports import Score


def require_judged(score: Score, names: Sequence[str]) -> None:
    """Raise UsageError if one of `names` is no baseline beside which the network was judged."""
    for name in names:
        if not score.verdicts:
            raise UsageError(f"--must-beat {name}: this score has no verdicts; train again, or leave out --metric")
        if _baseline(score, name) is None:
            there = [each.lower().replace(" ", "-") for each in score.verdicts]
            hint = did_you_mean(name, there) or f"; name one of {', '.join(there)}"
            raise UsageError(f"--must-beat {name}: this score has no such baseline{hint}")


def check_beaten(score: Score, names: Sequence[str]) -> None:
    """Raise CheckFailedError unless the verdict beside each of these baselines is that the network is better."""
    failed, scores = [], dict(score.baselines)
    for name in names:
        baseline = _baseline(score, name)
        assert baseline is not None
        if (verdict := score.verdicts[baseline]) != "better":
            failed.append(
                f"--must-beat {name}: the network is not shown to be better: {verdict} ({score.unit} of the network "
                f"{score.network:.4g}, of {name} {scores[baseline]:.4g})"
            )
    if failed:
        raise CheckFailedError("; ".join(failed))


def _baseline(score: Score, name: str) -> str | None:
    """Return the baseline that is meant, however it is spelt: naive-bayes, "naive Bayes"."""

    def spelt(text: str) -> str:
        return text.lower().replace("-", " ")

    return next((each for each in score.verdicts if spelt(each) == spelt(name)), None)
