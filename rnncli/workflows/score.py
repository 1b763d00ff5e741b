"""score: how surprising each line of a text is to a language model, as the lines come."""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from rnncli.data.source import Source
from rnncli.errors import UsageError, quoted
from rnncli.tasks.scored import ScoredLine, ScoredText
from rnncli.tasks.task import Asked, Options
from rnncli.workflows.opening import Model, open_to_answer, reading_as_trained, require_readable, require_understood

MOST_KEPT = 100_000  # lines, of which a share of the most surprising is taken in the end


@dataclass(frozen=True)
class Request:
    """The arguments of `score`. above: only lines of at least so many bits per token. most_surprising: only so many
    lines, or so large a share of all (below 1), the most surprising first. Blank lines are among neither. precision:
    that of products, None as the model was trained.
    """

    run: str | Model
    data: str | Source
    reading: Options = field(default_factory=dict)
    options: Options = field(default_factory=dict)
    above: float | None = None
    most_surprising: float | None = None
    precision: str | None = None


def score(request: Request, tell: Callable[[str], None]) -> ScoredText:
    """Return the lines that are asked for, as they come; the totals are those of all lines."""
    model = open_to_answer(request.run).in_precision(request.precision)
    if "score" not in model.task.options:
        raise UsageError(
            f"this is a model for the task {model.task.name}; score needs a language-model. How good this one is: "
            f"rnncli evaluate {model.run}"
        )
    require_understood("score", model.task, request.options)
    require_readable(model.task, request.reading)
    if isinstance(request.data, str) and os.path.isdir(request.data):
        whole = f"rnncli evaluate {quoted(model.run)} {quoted(request.data)}"
        raise UsageError(f"{request.data}: is a folder, and score reads one text, line by line; of all texts: {whole}")
    with reading_as_trained():
        scored = model.load().score(Asked(request.data, request.reading, request.options, tell))
    lists = scored.lines
    if request.above is not None:
        lists = _above(lists, request.above)
    if request.most_surprising is not None:
        lists = _most_surprising(lists, request.most_surprising)
    return replace(scored, lines=lists)


def _above(lists: Iterator[list[ScoredLine]], bits: float) -> Iterator[list[ScoredLine]]:
    for some in lists:
        if found := [line for line in some if line.mean >= bits and not line.blank]:
            yield found


def _most_surprising(lists: Iterator[list[ScoredLine]], wanted: float) -> Iterator[list[ScoredLine]]:
    """Yield, at the end, the lines of the most bits per token, in memory for MOST_KEPT lines at most."""
    most = MOST_KEPT if wanted < 1 else int(wanted)
    kept: list[tuple[float, int, ScoredLine]] = []
    count = 0
    for some in lists:
        for line in some:
            count += 1
            if line.mean == line.mean and not line.blank:
                one = (line.mean, -count, line)  # of equal ones the first
                if len(kept) < most:
                    heapq.heappush(kept, one)
                else:
                    heapq.heappushpop(kept, one)
    if wanted < 1:
        most = min(math.ceil(wanted * count), MOST_KEPT)
    yield [line for _, _, line in sorted(kept, reverse=True)[:most]]
