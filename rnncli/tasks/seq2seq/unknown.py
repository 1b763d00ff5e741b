"""Unknown tokens of pairs: training sees some, and an answer may copy them from its source.

A token that one source of the training split alone has is replaced by `<unk>` with probability one half at each
update, and so is a token that one target alone has. In a pair, a token of both is replaced in both or in neither, so
that attention learns that an unknown token to write is an unknown one that was read. Each `<unk>` that is then
written becomes the source token that attention looked at most (Luong et al., 2015, "Addressing the rare word
problem"; Jean et al., 2015).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.data.text import WORDS
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary
from rnncli.kernels import random
from rnncli.notes import note

_SHARE = 0.5
_REPLACED = 1 << 37  # of the seed's independent random streams, plus the update


class Seldom:
    """The tokens that one source, or one target, of the training split alone has.

    sources, targets: token numbers (n,) of each pair. read: the vocabulary of the sources, None if they are no tokens.
    count: how many such tokens there are; shared: how many of them are of one source and of one target.
    """

    def __init__(
        self,
        sources: Sequence[np.ndarray],
        targets: Sequence[np.ndarray],
        read: Vocabulary | None,
        written: Vocabulary,
    ):
        tokens: dict[str, int] = {}  # the number of each token's draw
        self._source_draws = _draws(sources, read, tokens) if read is not None else None
        self._target_draws = _draws(targets, written, tokens)
        self.count = len(tokens)
        self.shared = 0 if self._source_draws is None else _common(self._source_draws, self._target_draws)

    def replaced(
        self, sources: Sequence[np.ndarray], targets: Sequence[np.ndarray], seed: int, update: int
    ) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray]]:
        """Return these pairs as the update of a network from this seed sees them."""
        noise = np.empty(self.count)
        random.fill_uniform(noise, seed, _REPLACED + update, 1.0)
        chosen = np.append(noise < 2 * _SHARE - 1, False)  # the last for tokens that are never replaced
        if self._source_draws is not None:
            sources = _without(sources, chosen[self._source_draws])
        return sources, _without(targets, chosen[self._target_draws])


def seldom_in(
    sources: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    read: Vocabulary | None,
    written: Vocabulary,
    *,
    copying: bool,
) -> Seldom | None:
    """Return what training sees as unknown now and then; None for characters and bytes, unless they are copied."""
    if written.kind not in WORDS and not copying:
        return None
    seldom = Seldom(sources, targets, read, written)
    if copying and not (seldom.shared or any(UNKNOWN_NUMBER in target for target in targets)):
        note(
            "model.copy: nothing is learnt to be copied, because no token of a source and its target occurs in one "
            "pair alone; train on pairs with more such words, or leave it out"
        )
    return seldom


def _draws(sequences: Sequence[np.ndarray], vocabulary: Vocabulary, tokens: dict[str, int]) -> np.ndarray:
    """Return the number of the draw that decides about each token of the vocabulary, −1 if none; adds to `tokens`."""
    having = np.zeros(len(vocabulary), int)
    for sequence in sequences:
        having[np.unique(sequence)] += 1
    having[UNKNOWN_NUMBER] = 0
    draws = np.full(len(vocabulary), -1)
    for number in np.flatnonzero(having == 1).tolist():
        draws[number] = tokens.setdefault(vocabulary.tokens[number], len(tokens))
    return draws


def _common(first: np.ndarray, second: np.ndarray) -> int:
    """Return how many draws decide about tokens on both sides."""
    return len(np.intersect1d(first[first >= 0], second[second >= 0]))


def _without(sequences: Sequence[np.ndarray], chosen: np.ndarray) -> list[np.ndarray]:
    return [np.where(chosen[sequence], UNKNOWN_NUMBER, sequence).astype(sequence.dtype) for sequence in sequences]
