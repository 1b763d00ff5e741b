"""Files are written whole, nothing planted is followed, and only our own leftovers are known as such."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rnncli import safe_files
from rnncli.errors import MachineError

MINE = b"mine\n"


def _linked(path: Path, other: Path) -> None:
    path.symlink_to(other)


def _hard_linked(path: Path, other: Path) -> None:
    path.hardlink_to(other)


def _piped(path: Path, other: Path) -> None:
    os.mkfifo(path)


def _bound(path: Path, other: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(path))


PLANTED: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "link": (_linked, "is a link"),
    "hard link": (_hard_linked, "has a second name"),
    "pipe": (_piped, "is no regular file"),
    "socket": (_bound, "is no regular file"),
    "folder": (lambda path, other: path.mkdir(), "directory"),
}


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the user's, beside the folder of a stranger."""
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    (tmp_path / "mine").write_bytes(MINE)
    return tmp_path / "mine"


@pytest.mark.parametrize("kind", PLANTED)
def test_nothing_planted_is_written_into_or_waited_for(kind: str, outside: Path) -> None:
    path = outside.parent / "folder" / "metrics.jsonl"
    plant, why = PLANTED[kind]
    plant(path, outside)
    with pytest.raises(OSError, match=why):
        safe_files.append(path, b"{}\n")
    if kind != "hard link":  # of which reading harms nobody
        with pytest.raises(OSError, match=why):
            safe_files.read(path)
    if kind != "folder":
        safe_files.replace(path, b"ours")
        assert safe_files.read(path) == b"ours"
        assert path.stat().st_nlink == 1
    assert outside.read_bytes() == MINE


def test_temporary_names_cannot_be_foreseen(tmp_path: Path) -> None:
    seen = set()
    for _ in range(20):
        with safe_files.replacing(tmp_path / "model") as file:
            seen |= {entry.name for entry in tmp_path.iterdir() if entry.name != "model"}
            file.write(b"x")
    assert len(seen) == 20
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_a_planted_temporary_file_is_not_opened(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = outside.parent / "folder"
    monkeypatch.setattr(safe_files, "_temporary", lambda name: ".foreseen")
    (folder / ".foreseen").symlink_to(outside)
    with pytest.raises(MachineError, match="cannot write: File exists"):
        safe_files.replace(folder / "model", b"x")
    assert outside.read_bytes() == MINE
    assert (folder / ".foreseen").is_symlink()


def test_what_is_written_stays_in_the_folder_that_was_opened(outside: Path) -> None:
    folder, moved, theirs = (outside.parent / name for name in ("folder", "moved", "theirs"))
    theirs.mkdir()
    place = safe_files.open_folder(folder)
    folder.rename(moved)
    folder.symlink_to(theirs)
    safe_files.replace(folder / "model", b"x", place)
    safe_files.append(folder / "metrics", b"1\n", place)
    safe_files.append(folder / "metrics", b"2\n", place)
    os.close(place)
    assert not list(theirs.iterdir())
    assert ((moved / "model").read_bytes(), (moved / "metrics").read_bytes()) == (b"x", b"1\n2\n")


def test_files_and_folders_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, fsync = [], os.fsync

    def seen(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}").removeprefix(str(tmp_path)).partition(".")[0])
        fsync(descriptor)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc/self/fd")
    monkeypatch.setattr(os, "fsync", seen)
    safe_files.replace(tmp_path / "model", b"x")
    safe_files.append(tmp_path / "metrics", b"x")
    assert synced == ["/", "", "/metrics", ""]


def test_a_name_as_long_as_a_name_may_be_is_written(tmp_path: Path) -> None:
    for name in ("x" * 255, "ä" * 127):
        safe_files.replace(tmp_path / name, MINE)
        assert (tmp_path / name).read_bytes() == MINE


def test_only_our_own_leftovers_are_known_as_such(tmp_path: Path) -> None:
    ours = [".model.safetensors.0123456789abcdef.tmp", ".metrics.jsonl.4711"]
    theirs = [
        *(
            "model.safetensors",
            ".model.safetensors",
            ".model.safetensors.bak",
            ".notes.txt.4711",
            ".tmp",
            ".tmpaB3xY9",
        ),
        *(
            ".model.safetensors.0123456789abcdef.tmp~",
            "x.metrics.jsonl.4711",
            ".model.safetensors.0123456789ABCDEF.tmp",
        ),
    ]
    for name in (*ours, *theirs):
        (tmp_path / name).touch()
    (tmp_path / ".metrics.jsonl.1").mkdir()
    assert safe_files.leftovers(tmp_path, ["model.safetensors", "metrics.jsonl"]) == set(ours)
    (tmp_path / ".model.safetensors.fedcba9876543210.tmp").mkdir()
    safe_files.drop_leftovers(tmp_path / "model.safetensors")
    assert {path.name for path in tmp_path.iterdir()} == {*theirs, ours[1], ".metrics.jsonl.1"}


WRITERS = {
    "file": "with safe_files.replacing(path) as file: file.write(b'half'); file.flush(); wait()",
    "folder": "import os; os.rename = lambda *names: wait(); safe_files.write_folder(path, {'a': b'half'})",
    "temporary folder": "with safe_files.temporary_folder(path) as made: (made / 'a').touch(); wait()",
}


@pytest.mark.parametrize("kind", WRITERS)
def test_what_a_killed_process_left_goes_and_what_another_writes_stays(kind: str, tmp_path: Path) -> None:
    folder, path = tmp_path / "folder", tmp_path / "folder/out"
    folder.mkdir()
    code = f"""
from pathlib import Path
from rnncli import safe_files
path = Path({str(path)!r})
def wait(): print("half", flush=True); input()
{WRITERS[kind]}
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"half\n"
        (half,) = folder.iterdir()
        safe_files.replace(path, MINE)
        assert {half, path} == set(folder.iterdir())
        writer.kill()
        writer.wait()
    assert half.exists()
    safe_files.replace(path, b"ours")
    assert [path] == list(folder.iterdir())


def test_a_file_that_another_takes_for_a_leftover_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, names = safe_files._lock, list[str]()

    def late(descriptor: int) -> None:
        names.extend(os.listdir(tmp_path))
        if len(names) == 1:
            safe_files.drop_leftovers(tmp_path / "model")
        lock(descriptor)

    monkeypatch.setattr(safe_files, "_lock", late)
    safe_files.replace(tmp_path / "model", MINE)
    assert len(set(names)) == 2
    assert (tmp_path / "model").read_bytes() == MINE
    assert os.listdir(tmp_path) == ["model"]


def test_a_folder_that_another_takes_for_a_leftover_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, real = list[Path](), safe_files._lock

    def lock(descriptor: int) -> None:
        (here,) = tmp_path.iterdir()
        made.append(here)
        if len(made) == 1:
            here.rmdir()
        real(descriptor)

    monkeypatch.setattr(safe_files, "_lock", lock)
    with safe_files.temporary_folder(tmp_path / "export") as folder:
        assert folder.is_dir()
    assert (len(made), folder) == (2, made[1])
    assert not [*tmp_path.iterdir()]


def test_a_link_of_the_users_is_followed_but_not_one_in_a_run_directory(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    assert safe_files.led_to(tmp_path / "link") == tmp_path / "mine"
    assert safe_files.led_to(tmp_path / "mine") == tmp_path / "mine"
    (tmp_path / "metrics.jsonl").symlink_to("not there")
    assert safe_files.led_to(tmp_path / "link") == tmp_path / "link"


def _full(*arguments: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a": MINE, "b": b"other"}
    safe_files.write_folder(tmp_path / "made", files)
    assert {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()} == files
    for failing in ("fsync", "rename"):
        with monkeypatch.context() as patch:
            patch.setattr(os, failing, _full)
            with pytest.raises(MachineError, match=r"other: cannot write: No space left .*free some space"):
                safe_files.write_folder(tmp_path / "other", files)
        assert [path.name for path in tmp_path.iterdir()] == ["made"]
    with pytest.raises(MachineError, match="made: cannot write"):
        safe_files.write_folder(tmp_path / "made", {"a": b"new"})
    assert (tmp_path / "made/a").read_bytes() == MINE
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
