"""Naive Bayes of words as a graph, where networks correct its scores; see `naive_bayes`.

Its features are words and pairs of neighbouring words, which the tokens of a text tell where the vocabulary has all of
these words. An operator of ONNX (TfIdfVectorizer) counts how often a text has each.
"""

from __future__ import annotations

from rnncli.data.text import WORDS
from rnncli.data.vocabulary import Vocabulary
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.recurrent import Batch
from rnncli.tasks.sequences.naive_bayes import PAIR, NaiveBayes

_NOTHING = -1  # a token behind the end of a text, which no feature has


def is_told(model: NaiveBayes, vocabulary: Vocabulary) -> bool:
    """True if tokens of this vocabulary tell all features of a text."""
    words = [feature for feature in model.features if PAIR not in feature]
    return model.kind == vocabulary.kind and model.kind in WORDS and bool(vocabulary.numbers(words).all())


def scores(graph: Graph, model: NaiveBayes, vocabulary: Vocabulary, tokens: str, batch: Batch) -> str:
    """Return the scores (batch, L) in float64 for tokens (time, batch)."""
    running = graph.add("Squeeze", batch.running, graph.whole(2))
    within = graph.add("Where", running, tokens, graph.constant(_NOTHING, "int64"))
    numbers = [vocabulary.numbers(feature.split(PAIR)).astype(int).tolist() for feature in model.features]
    order = sorted(range(len(numbers)), key=lambda place: len(numbers[place]))  # words first, then pairs
    singles = sum(len(one) == 1 for one in numbers)
    times = graph.add(
        "TfIdfVectorizer",
        graph.add("Transpose", within, perm=[1, 0]),
        mode="TF",
        min_gram_length=1,
        max_gram_length=2 if singles < len(numbers) else 1,
        max_skip_count=0,
        ngram_counts=[0, singles] if singles < len(numbers) else [0],
        ngram_indexes=order,
        pool_int64s=[number for place in order for number in numbers[place]],
    )
    table = graph.constant(model.table(), "float64")
    found = graph.add("MatMul", graph.cast(times, "float64"), table)
    return graph.add("Add", found, graph.constant(model.prior, "float64"))
