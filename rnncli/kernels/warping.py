"""Dynamic time warping: the distance of two sequences whose steps may last longer in one than in the other."""

from __future__ import annotations

import math

from rnncli.kernels.jit import jit


@jit
def warped(a, b, share, most, rows):
    """Return the warped distance of a (n, C) and b (m, C), or infinity if it is not below `most`.

        D[i, j] = ‖a_i − b_j‖² + min(D[i−1, j], D[i, j−1], D[i−1, j−1]),  D[0, 0] = 0,  |i − j| ≤ band

    band: the window of Sakoe and Chiba (1978), this share of the longer sequence, and at least |n − m|. All columns are
    warped together. rows (2, m + 1 or more): room for two rows of D.
    """
    n, m = a.shape[0], b.shape[0]
    band = max(int(share * max(n, m) + 0.5), abs(n - m))
    before, now = rows[0], rows[1]
    before[: m + 1] = math.inf
    before[0] = 0.0
    for i in range(1, n + 1):
        first, last = max(1, i - band), min(m, i + band)
        now[first - 1] = math.inf
        least = math.inf
        for j in range(first, last + 1):
            cost = min(before[j], now[j - 1], before[j - 1])
            for c in range(a.shape[1]):
                apart = a[i - 1, c] - b[j - 1, c]
                cost += apart * apart
            now[j] = cost
            least = min(least, cost)
        if last < m:
            now[last + 1] = math.inf  # where the next row begins to look
        if least >= most:
            return math.inf
        before, now = now, before
    return before[m] if before[m] < most else math.inf


@jit
def nearest(seen, starts, chosen, asked, asked_starts, queries, share, apart, rows, found):
    """Write into found (M,) the number of the sequence that is nearest to each of the queries (M,) by `warped`, of the
    chosen ones (n,) the first; −1 if there is none.

    Sequence i of `seen` (R, C) is its rows starts[i]:starts[i + 1], and so of `asked`. apart: queries are sequences of
    `seen`, and none is its own neighbour. rows (2, L + 1): L is the length of the longest one of `seen`.
    """
    for q in range(queries.size):
        query = queries[q]
        a = asked[asked_starts[query] : asked_starts[query + 1]]
        least, found[q] = math.inf, -1
        for i in chosen:
            if apart and i == query:
                continue
            b = seen[starts[i] : starts[i + 1]]
            ends = 0.0  # every path has both
            for c in range(a.shape[1]):
                first, last = a[0, c] - b[0, c], a[-1, c] - b[-1, c]
                ends += first * first + (last * last if a.shape[0] + b.shape[0] > 2 else 0.0)
            if ends < least:
                distance = warped(a, b, share, least, rows)
                if distance < least:
                    least, found[q] = distance, i
