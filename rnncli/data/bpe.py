"""Byte pairs (Sennrich, Haddow and Birch, 2016): frequent sequences of bytes become tokens, so that nothing is unknown.

No token reaches over the end of one of the `pieces` of a text, so that it is enough to look at each different piece
once.

A token is written as the Latin-1 characters of its bytes, as those of the kind `byte` are. First come the 256 bytes,
then what was joined, in the order of joining, which is also the order in which a text is joined again: always the two
neighbours whose text is the earliest token, and of these the leftmost.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush

from rnncli.data.text import as_bytes

Pair = tuple[int, int]  # numbers of tokens

SINGLE = tuple(map(chr, range(256)))
_LEARNT_FROM = 300_000  # bytes of different pieces, the most frequent ones; more would take long, and change little
_KEPT = 1 << 17  # pieces whose tokens are kept
_NEVER = 1 << 62


def learn(counts: Mapping[str, int], size: int, least: int) -> tuple[str, ...]:
    """Return up to `size` tokens, the 256 bytes first, for pieces of text with these counts.

    The pair of neighbours that occurs most often is joined, again and again, as long as one occurs at least twice and
    `least` times. Of equally frequent pairs that of the earlier tokens is joined, the left one deciding first.
    """
    frequent = sorted(counts, key=lambda piece: (-counts[piece], piece))
    lengths = itertools.accumulate(map(len, frequent))
    learnt = [piece for piece, length in zip(frequent, lengths, strict=True) if length <= _LEARNT_FROM] or frequent[:1]
    words, weights = [list(as_bytes(piece)) for piece in learnt], [counts[piece] for piece in learnt]
    totals: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[int]] = defaultdict(set)  # the words that have, or had, each pair
    for w, word in enumerate(words):
        for pair in itertools.pairwise(word):
            totals[pair] += weights[w]
            places[pair].add(w)
    waiting = [(-total, pair) for pair, total in totals.items()]
    heapify(waiting)
    tokens, number_of = list(SINGLE), {token: number for number, token in enumerate(SINGLE)}
    while waiting and len(tokens) < size:
        total, pair = heappop(waiting)
        if -total != totals[pair]:
            continue  # the pair has another entry, unless it is gone
        if -total < max(least, 2):
            break
        token = tokens[pair[0]] + tokens[pair[1]]
        number = number_of.setdefault(token, len(tokens))  # two pairs may have the same text
        if number == len(tokens):
            tokens.append(token)
        changes: Counter[Pair] = Counter()
        for w in places.pop(pair):
            words[w], changed = _joined(words[w], pair, number)
            for other, change in changed:
                changes[other] += change * weights[w]
                if change > 0:
                    places[other].add(w)
        del totals[pair], changes[pair]
        totals.update(changes)
        for other in changes:
            heappush(waiting, (-totals[other], other))
    return tuple(tokens)


def _joined(word: list[int], pair: Pair, number: int) -> tuple[list[int], list[tuple[Pair, int]]]:
    """Return `word` with `number` in place of each `pair`, from the left; and what other pairs it gains and loses."""
    first, second = pair
    made: list[int] = []
    changed, i = [], 0
    while i < len(word):
        if word[i] != first or word[i + 1 : i + 2] != [second]:
            made.append(word[i])
            i += 1
            continue
        if made:
            changed += [((made[-1], first), -1), ((made[-1], number), 1)]
        if i + 2 < len(word):
            changed += [((second, word[i + 2]), -1), ((number, word[i + 2]), 1)]
        made.append(number)
        i += 2
    return made, changed


class BytePairs:
    """The encoder of pieces of text in `tokens`, whose numbers begin at `first`."""

    def __init__(self, tokens: Sequence[str], first: int):
        number_of = {token: number for number, token in enumerate(tokens, first)}
        self._bytes = [number_of[byte] for byte in SINGLE]
        self._joined = {
            (number_of[token[:i]], number_of[token[i:]]): number
            for token, number in number_of.items()
            for i in range(1, len(token))
            if token[:i] in number_of and token[i:] in number_of
        }
        self._known: dict[str, list[int]] = {}

    def each(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the numbers of the tokens of each piece of a text."""
        if len(self._known) > _KEPT:
            self._known.clear()
        known = self._known
        return [known[text] if text in known else known.setdefault(text, self._of(text)) for text in texts]

    def _of(self, piece: str) -> list[int]:
        numbers, joined = [self._bytes[byte] for byte in as_bytes(piece)], self._joined
        best = [joined.get(pair, _NEVER) for pair in itertools.pairwise(numbers)]  # what two neighbours become
        while best and (number := min(best)) < _NEVER:
            i = best.index(number)
            numbers[i : i + 2] = [number]
            del best[i]
            if i:
                best[i - 1] = joined.get((numbers[i - 1], number), _NEVER)
            if i < len(best):
                best[i] = joined.get((number, numbers[i + 1]), _NEVER)
        return numbers
