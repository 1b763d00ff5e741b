"""The probabilistic grammar behind sample_data/sentences.txt, and its exact entropy.

A model that learned the sentences perfectly would still pay the grammar's own entropy for every word,
so the entropy is the exact target that a word-level model is measured against.

Every expansion's first word differs from its siblings' first words (a test checks this), so the next
word alone decides which expansion was taken. Each sentence therefore has exactly one derivation, the
probability of a sentence is the product along that derivation, and no nonterminal contains itself, so
the entropy is a finite sum.

The subject's number returns in the main verb, and in "its" or "their", after a relative clause whose
own nouns have a number of their own: a model that sees only the last few words cannot tell which.
"""

import functools
import math
import random

END = "\n"
COUNT = 5800
SEED = 20240229

Expansion = tuple[str, ...]


def _evenly(text: str) -> list[tuple[float, Expansion]]:
    """The words of `text`, each equally probable."""
    words = text.split()
    return [(1 / len(words), (word,)) for word in words]


def _weighted(text: str, weights: list[float]) -> list[tuple[float, Expansion]]:
    """The words of `text`, each with its own probability."""
    return [(weight, (word,)) for weight, word in zip(weights, text.split(), strict=True)]


_ACTOR_WEIGHTS = [0.30, 0.20, 0.15, 0.12, 0.09, 0.06, 0.05, 0.03]
_DEED_WEIGHTS = [0.40, 0.25, 0.20, 0.10, 0.05]
_PLACE_WEIGHTS = [0.40, 0.25, 0.20, 0.10, 0.05]

# Nonterminals are upper case; a word is lower case; END closes each sentence.
GRAMMAR: dict[str, list[tuple[float, Expansion]]] = {
    "SENTENCE": [
        (0.850, ("the", "SUBJECT")),
        (0.030, ("please", "REQUEST")),
        (0.030, ("good", "morning", "to", "you", "all", END)),
        (0.030, ("better", "late", "than", "never", END)),
        (0.020, ("so", "it", "is", "said", "still", END)),
        (0.040, ("once", "upon", "a", "time", "there", "LIVED")),
    ],
    "REQUEST": [
        (0.55, ("stay", "at", "home", END)),
        (0.45, ("mind", "the", "step", END)),
    ],
    "LIVED": [
        (0.5, ("was", "a", "ACTOR_ONE", "in", "its", "HOME", END)),
        (0.5, ("were", "many", "ACTOR_MANY", "in", "their", "HOME", END)),
    ],
    "SUBJECT": [
        (0.25, ("ADJECTIVE", "NOUN")),
        (0.75, ("NOUN",)),
    ],
    "NOUN": [
        (0.5, ("ACTOR_ONE", "AFTER_ONE")),
        (0.5, ("ACTOR_MANY", "AFTER_MANY")),
    ],
    # One: what follows a singular subject.
    "AFTER_ONE": [
        (0.45, ("PREDICATE_ONE",)),
        (0.45, ("that", "RELATIVE_ONE")),
        (0.10, ("by", "the", "PLACE", "PREDICATE_ONE")),
    ],
    "RELATIVE_ONE": [
        (0.5, ("DEED_ONE", "the", "OTHER", "BACK_ONE")),
        (0.5, ("the", "OTHER_DOES", "BACK_ONE")),
    ],
    "BACK_ONE": [
        (0.7, ("PREDICATE_ONE",)),
        (0.3, ("by", "the", "PLACE", "PREDICATE_ONE")),
    ],
    "PREDICATE_ONE": [
        (0.7, ("REST_ONE", "ENDING_ONE")),
        (0.3, ("DEED_ONE", "the", "OTHER", END)),
    ],
    "ENDING_ONE": [
        (0.6, (END,)),
        (0.4, ("in", "its", "HOME", END)),
    ],
    # Many: the same, in the plural.
    "AFTER_MANY": [
        (0.45, ("PREDICATE_MANY",)),
        (0.45, ("that", "RELATIVE_MANY")),
        (0.10, ("by", "the", "PLACE", "PREDICATE_MANY")),
    ],
    "RELATIVE_MANY": [
        (0.5, ("DEED_MANY", "the", "OTHER", "BACK_MANY")),
        (0.5, ("the", "OTHER_DOES", "BACK_MANY")),
    ],
    "BACK_MANY": [
        (0.7, ("PREDICATE_MANY",)),
        (0.3, ("by", "the", "PLACE", "PREDICATE_MANY")),
    ],
    "PREDICATE_MANY": [
        (0.7, ("REST_MANY", "ENDING_MANY")),
        (0.3, ("DEED_MANY", "the", "OTHER", END)),
    ],
    "ENDING_MANY": [
        (0.6, (END,)),
        (0.4, ("in", "their", "HOME", END)),
    ],
    # Somebody else, of either number, whatever the subject's number is.
    "OTHER": [
        (0.5, ("ACTOR_ONE",)),
        (0.5, ("ACTOR_MANY",)),
    ],
    "OTHER_DOES": [
        (0.5, ("ACTOR_ONE", "DEED_ONE")),
        (0.5, ("ACTOR_MANY", "DEED_MANY")),
    ],
    # Words.
    "ADJECTIVE": _weighted("old young quiet", [0.5, 0.3, 0.2]),
    "ACTOR_ONE": _weighted("fox goose hare crow otter badger owl mouse", _ACTOR_WEIGHTS),
    "ACTOR_MANY": _weighted("foxes geese hares crows otters badgers owls mice", _ACTOR_WEIGHTS),
    "DEED_ONE": _weighted("sees likes follows fears helps", _DEED_WEIGHTS),
    "DEED_MANY": _weighted("see like follow fear help", _DEED_WEIGHTS),
    "REST_ONE": _weighted("sleeps waits sings works eats", _DEED_WEIGHTS),
    "REST_MANY": _weighted("sleep wait sing work eat", _DEED_WEIGHTS),
    "PLACE": _weighted("mill river bridge barn hill", _PLACE_WEIGHTS),
    "HOME": _evenly("nest den house"),
}


def generate(count: int, seed: int) -> list[list[str]]:
    """`count` independent sentences, each a list of words without the END; the same for the same seed."""
    source = random.Random(seed)
    return [_sample(source) for _ in range(count)]


def as_text(sentences: list[list[str]]) -> str:
    """The sentences as the sample file holds them: one a line, words separated by single spaces."""
    return "".join(" ".join(sentence) + END for sentence in sentences)


def _sample(source: random.Random) -> list[str]:
    """One sentence. Only `source.random()` is drawn, as it alone is promised never to change."""
    words = []
    pending = ["SENTENCE"]
    while pending:
        symbol = pending.pop()
        if symbol in GRAMMAR:
            pending.extend(reversed(_choose(GRAMMAR[symbol], source.random())))
        elif symbol != END:
            words.append(symbol)
    return words


def _choose(alternatives: list[tuple[float, Expansion]], point: float) -> Expansion:
    """The expansion in whose share of [0, 1) the point lies."""
    for probability, expansion in alternatives[:-1]:
        if point < probability:
            return expansion
        point -= probability
    return alternatives[-1][1]


@functools.cache
def first_words(symbol: str) -> frozenset[str]:
    """Every word with which an expansion of `symbol` can begin; a word begins with itself."""
    if symbol not in GRAMMAR:
        return frozenset({symbol})
    return frozenset().union(*(first_words(expansion[0]) for _, expansion in GRAMMAR[symbol]))


def sequence_log_probability(sentence: list[str]) -> float:
    """Exact natural log of the probability of this sentence and its end; -inf if it has no derivation."""
    total = 0.0
    pending = ["SENTENCE"]
    for word in [*sentence, END]:
        while pending and pending[-1] in GRAMMAR:
            for probability, expansion in GRAMMAR[pending.pop()]:
                if word in first_words(expansion[0]):
                    total += math.log(probability)
                    pending.extend(reversed(expansion))
                    break
            else:
                return -math.inf
        if not pending or pending.pop() != word:
            return -math.inf
    return total if not pending else -math.inf


def expected_tokens(symbol: str = "SENTENCE") -> float:
    """Expected number of tokens below `symbol`; for a sentence, its words and its END."""
    if symbol not in GRAMMAR:
        return 1.0
    return sum(
        probability * sum(expected_tokens(part) for part in expansion) for probability, expansion in GRAMMAR[symbol]
    )


def sentence_entropy(symbol: str = "SENTENCE") -> float:
    """Entropy in nats of what `symbol` expands to: of its own choice, and of the choices below it."""
    if symbol not in GRAMMAR:
        return 0.0
    return sum(
        probability * (-math.log(probability) + sum(sentence_entropy(part) for part in expansion))
        for probability, expansion in GRAMMAR[symbol]
    )


def ideal_entropy() -> float:
    """Nats per token of the process: the least mean loss any word-level model can reach.

    The END of a line counts as a token. Sentences are independent, so the rate is the entropy of one
    sentence over its expected number of tokens.
    """
    return sentence_entropy() / expected_tokens()


def ideal_perplexity() -> float:
    """exp of `ideal_entropy`: the least word-level perplexity any model can reach."""
    return math.exp(ideal_entropy())
