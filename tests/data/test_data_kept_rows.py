"""Rows that are kept: those that are made, for the same sound made in the same way, and for no other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sounds import tone, wav

from rnncli.config.recordings import RecordingsConfig
from rnncli.data import kept_rows
from rnncli.data.kept_rows import KeptRows
from rnncli.data.recordings import Recordings, read_recordings


def config(**keys):
    return RecordingsConfig.model_validate({"features": {"bands": 10} | keys})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(kept_rows, "_LEAST", 1)
    for k in range(3):
        noise = np.random.default_rng(k).normal(0, 0.1, 6000)
        (tmp_path / f"{k}.wav").write_bytes(wav(noise + np.resize(tone(300 * k + 300), 6000)))
    return tmp_path


def read(folder: Path, kept: KeptRows | None = None, **keys) -> Recordings:
    return read_recordings(str(folder), config(**keys), labelled=False, kept=kept)


def same(one: Recordings, other: Recordings) -> bool:
    return all(a.features.tobytes() == b.features.tobytes() for a, b in zip(one.items, other.items, strict=True))


def again(kept: KeptRows) -> KeptRows:
    """What is read of them, in whatever order a file has the keys of its header."""
    arrays, header = kept.asked()
    return KeptRows.of(arrays, json.loads(json.dumps(header, sort_keys=True)))


def count_made(monkeypatch) -> list[int]:
    made, rows = [], kept_rows.LogMel.rows
    monkeypatch.setattr(kept_rows.LogMel, "rows", lambda self, blocks: made.append(1) or rows(self, blocks))
    return made


def test_what_is_kept_is_what_is_made(folder, monkeypatch):
    kept = KeptRows()
    assert same(read(folder, kept), read(folder))
    assert kept.is_worth_writing
    made, kept = count_made(monkeypatch), again(kept)
    keys = {"stack": 3, "deltas": True, "normalise": "none"}  # which come after the rows
    found, without = read(folder, kept), read(folder, kept, **keys)
    assert not made
    assert not kept.is_worth_writing
    assert same(found, read(folder))
    assert same(without, read(folder, **keys))


@pytest.mark.parametrize("keys", [{"bands": 9}, {"window": "30ms"}, {"hop": "8ms"}, {"rate": 4000}])
def test_rows_made_in_another_way_are_not_taken(folder, monkeypatch, keys):
    read(folder, kept := KeptRows())
    made, kept = count_made(monkeypatch), again(kept)
    assert same(read(folder, kept, **keys), read(folder, **keys))
    assert len(made) == 6
    assert kept.is_worth_writing
    assert len(again(kept)) == 3  # those of the other way are gone


def test_rows_of_another_sound_are_not_taken(folder, monkeypatch):
    read(folder, kept := KeptRows())
    (folder / "1.wav").write_bytes(wav(tone(1234)))
    made, kept = count_made(monkeypatch), again(kept)
    assert same(read(folder, kept), read(folder))
    assert len(made) == 1 + 3
    assert kept.is_worth_writing
    assert not kept.disagrees(again(kept))


def test_rows_that_16_bits_cannot_hold_are_made_each_time(folder):
    (folder / "1.wav").write_bytes(wav(1e20 * tone(1234), tag=3, bits=32))
    assert same(read(folder, kept := KeptRows()), read(folder))
    assert len(again(kept)) == 2
    assert same(read(folder, again(kept)), read(folder))


def test_little_sound_and_very_much_are_not_worth_it(folder, monkeypatch):
    read(folder, kept := KeptRows())
    monkeypatch.setattr(kept_rows, "_LEAST", 1000)
    assert not kept.is_worth_writing
    monkeypatch.setattr(kept_rows, "_LEAST", 1)
    monkeypatch.setattr(kept_rows, "_MOST", 1000)
    assert not kept.is_worth_writing


def test_other_rows_than_those_made_are_told(folder):
    read(folder, kept := KeptRows())
    arrays, header = kept.asked()
    arrays["rows"][0, 0] += 1
    assert KeptRows.of(arrays, header).disagrees(kept) == 1


def test_what_was_never_written_is_no_rows(folder):
    read(folder, kept := KeptRows())
    arrays, header = kept.asked()
    (key, count), *rest = header["sounds"]
    changed = [[(key, wrong), *rest] for wrong in (-1, count - 1, 10**30, 1.0)]
    for wrong in (*changed, [], [(rest[0][0], count), *rest], {"a": 1}, [(key, count)]):
        with pytest.raises(ValueError):  # noqa: PT011 - in words of several libraries, which nobody reads
            KeptRows.of(arrays, {"sounds": wrong})
    for rows in (arrays["rows"].ravel(), arrays["rows"].astype(np.uint8)):
        with pytest.raises(ValueError, match="no rows"):
            KeptRows.of({"rows": rows}, header)
