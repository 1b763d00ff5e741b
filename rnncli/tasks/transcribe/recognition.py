"""Whether bare data are recordings: a list of them, a table of steps, or files that are such by their names."""

from __future__ import annotations

import os

from rnncli.data.files import Paths, files_of
from rnncli.data.look import Look
from rnncli.data.manifest import PATHS, TEXTS
from rnncli.data.recordings import RECORDINGS
from rnncli.data.sounds import SOUNDS
from rnncli.tasks.task import DECIDED, Recognised


def listed(look: Look) -> Recognised | None:
    """Return that a table has a column of the names of recordings, and one of what they say."""
    if look.table is None or not look.named_table:
        return None
    files = next((one for one in look.columns if one.title in PATHS), None)
    if files is None or not all(cell.lower().removesuffix(".gz").endswith(RECORDINGS) for cell in files.first):
        return None
    if not any(name.strip().lower() in TEXTS for name in look.table.header):
        return None
    return Recognised("a list of recordings", DECIDED, {}, look.rows_of(files), "recording")


def stepwise(look: Look) -> Recognised | None:
    """Return that a table has rows of numbers, an id for the rows of each recording, and a text for each id."""
    if look.table is None or not look.named_table:
        return None
    columns = {one.title: one for one in look.columns}
    text = next((columns[title] for title in TEXTS[:3] if title in columns), None)
    if text is None or text.numeric or "id" not in columns:
        return None
    ids = columns["id"].first
    pairs = {(name, words) for name, words in zip(ids, text.first, strict=True) if words}
    alone = len(pairs) == len({name for name, _ in pairs}) and len({*ids}) < len(ids)
    if not alone or not all(
        one.numeric and not one.dated for one in look.columns if one.title not in ("id", text.title)
    ):
        return None
    return Recognised("steps of recordings with a text each", DECIDED, {"id": columns["id"].key, "text": text.key})


def named(path: Paths) -> str | None:
    """Return that files are recordings by their names: sounds, and others with a text beside each, which are not fewer
    than all other files."""
    files = files_of(path)
    texts = {os.path.splitext(file)[0] for file in files if file.lower().endswith(".txt")}
    plain = [file.removesuffix(".gz") for file in files]
    them = [
        file
        for file in plain
        if file.lower().endswith(SOUNDS) or (file.lower().endswith(RECORDINGS) and os.path.splitext(file)[0] in texts)
    ]
    if not them or 2 * len(them) < len(files) or not all(map(os.path.exists, files)):
        return None
    return "recordings" if len(files) > 1 else "a recording"
