"""What does not fit in memory is refused by its size and a look at it, before it is read."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from rnncli import memory
from rnncli.data import csv_table, source, table_room
from rnncli.data.csv_table import read_table
from rnncli.data.source import Source, read_source
from rnncli.errors import MachineError


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 600 kB, on which 10 kB are much."""
    monkeypatch.setattr(memory, "available", lambda: 600_000)
    monkeypatch.setattr(table_room, "LARGE", 10_000)
    monkeypatch.setattr(source, "_UNLOOKED", 10_000)
    monkeypatch.setattr(source, "PIECE", 5_000)


@pytest.mark.usefixtures("little")
def test_a_table_is_judged_by_its_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = "t,v\n" + "".join(f"{i},{i / 7:.4f}\n" for i in range(5000))  # 340 bytes a row of 15
    table = Source("d.csv", numbers.encode())
    monkeypatch.setattr(csv_table, "decode", lambda *_, **__: pytest.fail("it is read"))
    with pytest.raises(MachineError) as refused:
        read_table(table)
    assert str(refused.value).startswith("d.csv: would need 2.1 MB of memory, of which 600 KB are available; give it")
    monkeypatch.undo()
    assert len(read_table(Source("d.csv", numbers[:15_000].encode())).rows) > 1000


@pytest.mark.usefixtures("little")
def test_a_stream_ends_before_it_fills_the_memory(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"<stdin>: would need 6.* KB of memory, of which 600 KB .*; name a file"):
        read_source("-", stdin=io.BytesIO(bytes(1_000_000)))
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(bytes(1_000_000)))
    with pytest.raises(MachineError, match=r"d\.csv\.gz: would need 6.* KB .* name the unpacked file"):
        read_source(str(tmp_path / "d.csv.gz"))
    assert read_source("-", stdin=io.BytesIO(bytes(500_000))).size == 500_000


def test_the_tighter_of_all_limits_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = memory.available()
    (tmp_path / "most").write_text("40000000\n")
    (tmp_path / "used").write_text("10000000\n")
    monkeypatch.setattr(memory, "_GROUPS", ((str(tmp_path / "none"), ""), (str(tmp_path / "most"), f"{tmp_path}/used")))
    assert memory.available() == 30_000_000 < free
    (tmp_path / "most").write_text("max\n")
    assert memory.available() > 30_000_000
