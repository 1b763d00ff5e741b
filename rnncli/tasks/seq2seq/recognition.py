"""Whether a bare data file has pairs: a text for a text, or for labels and numbers."""

from __future__ import annotations

from typing import Any

from rnncli.data.look import LABELS, Look
from rnncli.tasks.seq2seq.pairs import SOURCE_NAMES, TARGET_NAMES, reads_names
from rnncli.tasks.task import CERTAIN, LIKELY, Recognised

_FEW = 10  # different numbers are labels
_ROWS = 50  # tell whether the first one is like them


def pairs(look: Look) -> Recognised | None:
    """Return that a table has two columns of texts, which both vary, and perhaps others that tell how to write one."""
    table = look.table
    if table is None or not (look.named_table or table.delimiter == "\t"):
        return None
    words = [one for one in look.columns if not one.numeric]
    titles = {one.title for one in words}
    if titles & {*SOURCE_NAMES} and titles & {*TARGET_NAMES}:
        return Recognised("pairs of a source and a target", CERTAIN, _reading(look))
    if (found := _worked_out(look)) is not None:
        return found
    varied = [one for one in words if one.wordy or not one.repeats]
    others = [one for one in words if one not in varied]
    if len(varied) != 2 or len(words) != len(look.columns) or any(one.title in LABELS for one in words):
        return None
    if varied[0].time and not varied[1].time:  # what happened at a time is no answer to it
        return None
    header, told = _headed(look)
    source, target, *beside = (one.key if header else _number(table.header, one.key) for one in (*varied, *others))
    sure = not beside and all(one.varies for one in varied)
    read = f"column {source}" if not beside else f"columns {', '.join(map(str, [source, *beside]))}"
    data = {"source": [source, *beside] if beside else source, "target": target, "header": header}
    above = [] if header or not table.headed else [(str(varied[0].key),)]
    inputs = [*above, *look.rows_of(varied[0])]
    why = f"pairs of texts ({read}, and {target} to be written{told and '; '}{told})"
    return Recognised(why, CERTAIN if sure else LIKELY, data | _reading(look), inputs)


def _worked_out(look: Look) -> Recognised | None:
    """Return that one of two columns has sentences with numbers, and the other many whole numbers, which may be written
    as what follows from these."""
    texts = [one for one in look.columns if one.of_sentences and one.with_numbers]
    numbers = [one for one in look.columns if one.whole and not one.time and one.distinct > _FEW]
    if len(look.columns) != 2 or len(texts) != 1 or len(numbers) != 1:
        return None
    why = f"texts in the column {texts[0].called} and numbers in {numbers[0].called}, to be written"
    data = {"source": texts[0].key, "target": numbers[0].key, "header": look.table is not None and look.table.headed}
    return Recognised(why, LIKELY, data | _reading(look))


def _headed(look: Look) -> tuple[bool, str]:
    """Return whether the first line names the columns, and what is to be told where it may not."""
    table = look.table
    assert table is not None
    if look.header is not None:
        return look.header, ""
    first = table.header if table.headed else table.rows[0]
    return reads_names(first, [row for row in table.rows[:_ROWS] if row != first], table.delimiter)


def descriptions(look: Look) -> Recognised | None:
    """Return that a table has a text in its last column, and labels or numbers in all others, which tell it."""
    if len(look.columns) < 3:
        return None
    *inputs, last = look.columns
    if last.numeric or last.time or (last.repeats and not last.wordy):
        return None
    if not all((one.repeats or one.numeric) and not one.time for one in inputs):
        return None
    why = f"labels and numbers, and a text for them in the column {last.called}"
    return Recognised(why, LIKELY, {"target": last.key} | _reading(look))


def _number(header: list[str], key: str | int) -> int:
    return key if isinstance(key, int) else header.index(key) + 1


def _reading(look: Look) -> dict[str, Any]:
    """Return how the table is read; the pairs' own rule for a delimiter looks at the first line alone."""
    assert look.table is not None
    return {"delimiter": look.table.delimiter} | look.reading
