"""The interface of what is given to be written for: texts or cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from rnncli.data.cutting import Cut
from rnncli.data.vocabulary import Unseen, Vocabulary
from rnncli.tasks.seq2seq.pairs import Pairs


class Prompts(Protocol):
    """The given inputs, and their encoding to token numbers for an encoder or to vectors."""

    encodes: bool
    cut: Cut
    unseen: Unseen
    kind: str  # "source tokens", "values"
    decimal: str  # of numbers among what is given

    def refitted(self, train: Pairs, config: Any) -> Prompts:
        """Return prompts of the same kind, made from another training split."""

    @property
    def vocabulary(self) -> Vocabulary | None: ...

    @property
    def size(self) -> int: ...

    def encode(
        self, prompts: Sequence[tuple[str, ...]], where: Sequence[str], *, scored: bool = False
    ) -> list[np.ndarray]:
        """Return one array for each prompt; raise DataError naming the place of a prompt that cannot be encoded.

        scored: these are held out, and what training never saw is read as unknown.
        """

    def tokens(self, prompt: tuple[str, ...]) -> list[str]:
        """Return the tokens of a prompt as they stand in it; none if nothing is encoded."""

    def to_header(self) -> dict[str, Any]: ...
