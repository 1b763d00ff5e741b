"""Files of compiled kernels: nothing but what was written is read, and one process compiles while others wait."""

import fcntl
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from rnncli import notes
from rnncli.kernels import kept
from rnncli.kernels.kept import KernelFiles, damaged

KEY, OTHER = ("float32", "x86"), ("float64", "x86")
CODE = b"machine code" * 20


@pytest.fixture
def files(tmp_path):
    """The files of one kernel, which was compiled for two signatures."""
    store = KernelFiles(str(tmp_path / "kernels"), "gemm.multiply-1.py311", "stamp")
    store.save(KEY, CODE)
    store.save(OTHER, CODE[::-1])
    return store


@pytest.fixture
def told(monkeypatch):
    """What is told while the test runs, by a process that has not waited yet."""
    texts = []
    monkeypatch.setattr(notes, "_teller", [texts.append])
    monkeypatch.setattr(kept._Turn, "_waited", 0.0)
    monkeypatch.setattr(kept._Turn, "_told", False)
    monkeypatch.setattr(kept._Turn, "_stuck", set())
    return texts


def paths(store, ending=""):
    return sorted(path for path in Path(store._cache_path).iterdir() if path.name.endswith(ending))


def test_what_was_saved_is_loaded_and_what_was_not_is_none(files):
    assert files.load(KEY) == CODE
    assert files.load(OTHER) == CODE[::-1]
    assert files.load("another") is None
    assert damaged(Path(files._cache_path)) == []


@dataclass(frozen=True)
class Somebodys:
    """A key that names a module."""

    name: str


def test_a_key_of_a_module_that_is_not_there_keeps_nobody_from_the_others(files, monkeypatch):
    module = ModuleType("somebodys_cells")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(Somebodys, "__module__", module.__name__)
    module.Somebodys = Somebodys
    files.save(Somebodys("cell"), b"machine code of a cell")
    monkeypatch.delitem(sys.modules, module.__name__)
    assert (files.load(KEY), files.load(OTHER)) == (CODE, CODE[::-1])
    files.save(KEY, b"compiled anew")
    assert (files.load(KEY), files.load(OTHER)) == (b"compiled anew", CODE[::-1])
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert files.load(Somebodys("cell")) == b"machine code of a cell"


def test_equal_keys_are_one_whatever_they_are_pickled_to(files):
    first, second = (("x" * 3, 1.0), ("".join(["xx", "x"]), 1))
    assert files._dump(first) != files._dump(second)
    files.save(first, b"one")
    files.save(second, b"two")
    assert files.load(first) == files.load(second) == b"two"
    assert len(files._load_index()) == 3


def test_another_source_finds_nothing(files):
    assert KernelFiles(files._cache_path, "gemm.multiply-1.py311", "another stamp").load(KEY) is None


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_no_changed_byte_is_read_and_the_next_save_heals(files, ending):
    for path in paths(files, ending):
        whole = path.read_bytes()
        changed = [whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :] for i in range(len(whole))]
        for bad in [b"", *(whole[:i] for i in range(0, len(whole), 7)), whole + b"\0", *changed]:
            path.write_bytes(bad)
            assert None in (files.load(KEY), files.load(OTHER))
            assert damaged(path.parent) == [path]
        files.save(KEY, CODE)
        files.save(OTHER, CODE[::-1])
        assert (files.load(KEY), files.load(OTHER), damaged(path.parent)) == (CODE, CODE[::-1], [])


def test_a_file_of_another_signature_is_not_taken_for_this_one(files):
    one, two = paths(files, ".nbc")
    one.write_bytes(two.read_bytes())
    assert [files.load(KEY), files.load(OTHER)].count(None) == 1


def test_what_older_indexes_named_and_killed_processes_were_writing_is_removed(files):
    folder = Path(files._cache_path)
    for name in ("gemm.multiply-1.py311.00ff.nbc", "gemm.multiply-1.py311.nbi.tmp.0123", "gemm.multiply-12.py311.nbi"):
        (folder / name).write_bytes(b"left")
    before = set(paths(files, ".nbc"))
    files.save(KEY, b"compiled anew")
    assert (folder / "gemm.multiply-12.py311.nbi").read_bytes() == b"left"  # of another kernel
    (folder / "gemm.multiply-12.py311.nbi").unlink()
    assert len(paths(files)) == 3
    assert len(before & set(paths(files, ".nbc"))) == 1


HOLD = """
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
os.pwrite(descriptor, f"{os.getpid():<20}".encode(), 0)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def holding(path, seconds):
    """A process that has the turn for so long; it has it when this returns."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_turn_is_waited_for_and_one_line_says_for_whom(tmp_path, told, monkeypatch):
    monkeypatch.setattr(kept, "UNNOTICED", 0.1)
    path = tmp_path / "new" / "kernel.lock"
    path.parent.mkdir()
    turn = kept._Turn(str(path))
    with holding(path, 0.5) as process:
        assert turn.take()
        assert process.wait() == 0
    assert told == [f"waiting for process {process.pid}, which compiles the kernels"]
    with open(path, "rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    turn.release()
    with open(path, "rb") as file:
        assert int(file.read()) == os.getpid()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_short_wait_is_not_worth_a_word(tmp_path, told):
    with holding(tmp_path / "lock", 0.2):
        assert kept._Turn(str(tmp_path / "lock")).take()
    assert told == []


def test_a_killed_process_gives_its_turn_back(tmp_path):
    with holding(tmp_path / "lock", 60) as process:
        process.send_signal(signal.SIGKILL)
        turn = kept._Turn(str(tmp_path / "lock"))
        assert turn.take()
        turn.release()


def test_a_stopped_process_is_waited_for_once(tmp_path, told, monkeypatch):
    monkeypatch.setattr(kept, "STUCK", 0.2)
    with holding(tmp_path / "one", 60) as process:
        assert not kept._Turn(str(tmp_path / "one")).take()
        monkeypatch.setattr(kept, "STUCK", 60.0)
        assert not kept._Turn(str(tmp_path / "one")).take()  # at once
        assert kept._Turn(str(tmp_path / "two")).take()  # nobody has it
        process.kill()


def test_without_a_folder_there_is_no_turn(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert not kept._Turn(str(tmp_path / "file" / "lock")).take()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert not kept._Turn(str(tmp_path / "link")).take()
    assert not (tmp_path / "target").exists()
