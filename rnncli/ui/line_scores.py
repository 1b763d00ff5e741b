"""Lines of a text with how surprising they are: as a table, as they come, as CSV, JSON or JSON lines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from rnncli.tasks.answers import Piece, Pieces
from rnncli.tasks.scored import ScoredLine, ScoredText, Totals
from rnncli.ui.output import Output, narrowed, say, told, visible
from rnncli.ui.results import json_array, rounded, write_as_they_come, write_table

SHOWN = 10  # lines in a table
_ROOMY = 60  # columns of a terminal, from which there is room for all that a table has
_SPARE, _FOLDED = ("tokens", "unknown", "bits"), ("text", "token")


def write_lines(scored: ScoredText, form: str, *, of_tokens: bool, watching: bool) -> int | None:
    """Write lines, or their tokens, as `form`, table, csv, json or jsonl; json has the totals too. Return how many
    lines a table has.

    watching: lines are written as they come, in place of a table.
    """
    if form == "json":
        _write_json(scored, of_tokens=of_tokens)
    elif form != "table":
        write_as_they_come(Pieces(_as_pieces(scored.lines, of_tokens=of_tokens)), form)
    elif watching:
        _write_as_they_come(scored)
    else:
        return _write_table(scored, of_tokens=of_tokens)
    return None


def say_totals(scored: ScoredText, form: str, shown: int | None = None) -> None:
    """Write the totals: under a table, which has `shown` lines, and on stderr beside any other form but json, which has
    them."""
    text = totals_text(scored.name, scored.totals, shown)
    if form == "table":
        Output().write("\n".join(told(text)) + "\n")
    elif form != "json":
        say(text)


def totals_text(name: str, totals: Totals, shown: int | None = None) -> str:
    """Return what the totals say, as a sentence. shown: how many lines are, the most surprising, None for all."""
    found = totals.to_json()
    lines = f"{totals.lines:,} line{'s' * (totals.lines != 1)},"
    if shown is not None and shown < totals.lines:
        lines = f"the {shown:,} most surprising of {lines[:-1]} (-f csv has all); in all"
    text = f"{name}: {lines} {totals.tokens:,} tokens, {_per_token(found, '')}"
    if totals.unknown:
        text += f"; {totals.unknown:,} unknown, without them {_per_token(found, '_of_known')}"
    if totals.bits_learning is not None:
        text += f"; by the model that learns as it reads {_per_token(found, '_learning')}"
    return text


def _per_token(found: dict[str, float], of: str) -> str:
    bits, perplexity = found[f"bits_per_token{of}"], found[f"perplexity{of}"]
    return f"{bits:.3f} bits per token, perplexity {perplexity:.3f}" if not math.isnan(bits) else "none scored"


def _as_pieces(lists: Iterator[list[ScoredLine]], *, of_tokens: bool) -> Iterator[list[Piece]]:
    """Yield the lines as pieces of an answer: with `of_tokens` each token is one, in JSON too."""
    for some in lists:
        rows = [row for line in some for row in (line.token_rows() if of_tokens else [line.row()])]
        yield [Piece(row, [row]) for row in rows]


def _write_json(scored: ScoredText, *, of_tokens: bool) -> None:
    out = Output()
    out.write('{"tokens": ' if of_tokens else '{"lines": ')
    for text in json_array(_as_pieces(scored.lines, of_tokens=of_tokens)):
        out.write(text)
    out.write(f', "totals": {json.dumps(rounded(scored.totals.to_json()), indent=2)}}}\n')


def _write_as_they_come(scored: ScoredText) -> None:
    out = Output()
    for some in scored.lines:
        out.write("".join(f"{line.number:>7}  {line.mean:6.3f}  {visible(line.text)}\n" for line in some))


def _write_table(scored: ScoredText, *, of_tokens: bool) -> int:
    """Write a table, and return the number of lines in it."""
    lines = [line for some in scored.lines for line in some]
    if rows := [row for line in lines for row in _rows(line, of_tokens=of_tokens)]:
        if not of_tokens and narrowed(_ROOMY) < _ROOMY:
            rows = [{name: value for name, value in row.items() if name not in _SPARE} for row in rows]
        write_table(rows, whole=[name for name in rows[0] if name not in _FOLDED])
    return len(lines)


def _rows(line: ScoredLine, *, of_tokens: bool) -> list[dict[str, object]]:
    if of_tokens:
        return [{**row, "bits": _three(row["bits"])} for row in line.token_rows()]
    row = line.row()
    return [{key: _three(value) if isinstance(value, float) else value for key, value in row.items()}]


def _three(bits: float) -> str:
    return "–" if math.isnan(bits) else f"{bits:.3f}"
