"""The places of a source at which a seq2seq model looked when it wrote an answer; a picture shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.data.vocabulary import UNKNOWN
from rnncli.nn.encoder_decoder import EncoderDecoder
from rnncli.tasks.seq2seq.candidates import Speller
from rnncli.tasks.seq2seq.endings import Prompt
from rnncli.tasks.seq2seq.learner import read_and_written

END = "<end>"


@dataclass(frozen=True)
class AttentionMap:
    """The weights (T, S) of the places of a source when each token of the target was written; each row sums to 1."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray


def attention_map(
    models: Sequence[EncoderDecoder], speller: Speller, prompt: Prompt, source: np.ndarray, text: str
) -> AttentionMap:
    """Return where the models looked on average, if they wrote `text` for a prompt that is encoded as `source`."""
    numbers = speller.numbers(prompt, text)
    spans = np.array([len(numbers) + 1])
    weights = []
    for model in models:
        work = read_and_written(model, [source], [numbers], spans)
        assert model.attention is not None
        assert work.attention is not None
        weights.append(model.attention.looked_at(work.attention, len(source))[:, 0].copy())
    read = speller.tokens(prompt)
    names = [*speller.vocabulary.tokens[1:]]
    target = [names[number - 1] if 0 < number <= len(names) else UNKNOWN for number in numbers.tolist()]
    if speller.edited:
        moves = {len(speller.vocabulary): "copy", len(speller.vocabulary) + 1: "leave out"}
        target = [moves.get(number, token) for number, token in zip(numbers.tolist(), target, strict=True)]
    return AttentionMap(tuple(read[: len(source)]), (*target, END), np.mean(weights, axis=0))
