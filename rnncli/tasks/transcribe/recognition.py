"""Whether a bare data file is a list of recordings."""

from __future__ import annotations

from rnncli.data.look import Look
from rnncli.data.manifest import PATHS, TEXTS
from rnncli.data.recordings import RECORDINGS
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
