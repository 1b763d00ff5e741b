"""compress and decompress: any file, through files and pipes; nothing damaged becomes wrong bytes."""

import gzip
import json
import shutil
import zlib
from pathlib import Path

import pytest
from cli_runs import in_shell, run
from conftest import TEXT, Shelf

from rnncli.workflows import compress

pytestmark = pytest.mark.thorough  # its kernels take seconds to compile

CONTENT = TEXT[:400].encode()


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What compress makes of CONTENT."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "text.txt").write_bytes(CONTENT)
    run("compress", "text.txt", cwd=folder).ok()
    return (folder / "text.txt.rnnz").read_bytes()


def test_a_file_comes_back_beside_its_code(code: bytes, tmp_path: Path) -> None:
    (tmp_path / "again.rnnz").write_bytes(code)
    run("decompress", "again.rnnz", cwd=tmp_path).ok()
    assert (tmp_path / "again").read_bytes() == CONTENT
    assert len(code) < len(zlib.compress(CONTENT, 9))


def test_sizes_are_told_and_no_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    told = json.loads(run("compress", "a", "-f", "json", cwd=tmp_path).ok().out)
    size = (tmp_path / "a.rnnz").stat().st_size
    assert told == {
        "file": "a",
        "bytes": 400,
        "output": "a.rnnz",
        "output_bytes": size,
        "bits_per_byte": 8 * size / 400,
    }
    assert "exists" in run("compress", "a", cwd=tmp_path).refused(2)
    assert "exists" in run("decompress", "a.rnnz", cwd=tmp_path).refused(2)
    assert "-o FILE" in run("decompress", "a", cwd=tmp_path).failed(2)
    (tmp_path / "profile.rnnz").write_bytes(b"")
    (tmp_path / "profile").symlink_to("not there")  # as a stranger plants it in an archive
    assert "profile: exists" in run("decompress", "profile.rnnz", cwd=tmp_path).refused(2)


@pytest.mark.parametrize("content", [gzip.compress(CONTENT), bytes(range(255, 0, -1))], ids=["gzip", "junk"])
def test_what_is_packed_already_comes_back_as_it_is(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    run("compress", "a.gz", "-o", "b.gz.rnnz", cwd=tmp_path).ok()
    run("decompress", "b.gz.rnnz", cwd=tmp_path).ok()
    assert (tmp_path / "b.gz").read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256))], ids=["empty", "a byte", "all bytes"])
def test_pipes_carry_any_bytes(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    in_shell("cat a | rnncli compress - | rnncli decompress - > b", tmp_path).ok()
    assert (tmp_path / "b").read_bytes() == content


def test_a_run_codes_what_it_knows_in_less_and_is_asked_for_by_name(shelf: Shelf, code: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    run("compress", "a", "--run", shelf / "char", cwd=tmp_path).ok()
    assert "by --run" in run("decompress", "a.rnnz", "-o", "b", cwd=tmp_path).refused(2)
    refusal = run("decompress", "a.rnnz", "-o", "b", "--run", shelf / "byte", cwd=tmp_path).refused(4)
    assert "is not the model that made a.rnnz" in refusal
    assert not (tmp_path / "b").exists()
    run("decompress", "a.rnnz", "-o", "b", "--run", shelf / "char", cwd=tmp_path).ok()
    assert (tmp_path / "b").read_bytes() == CONTENT


def test_a_run_that_cannot_spell_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    for name, wanted in {"word": "data.tokens: char or byte", "forecast": "language-model"}.items():
        refused = run("compress", "a", "--run", shelf / name, cwd=tmp_path).refused(2)
        assert refused.startswith(f"--run {shelf / name}: ")
        assert wanted in refused


def test_every_cut_and_every_changed_byte_is_noticed(code: bytes, tmp_path: Path) -> None:
    source = tmp_path / "a.rnnz"
    damaged = [code[:n] for n in range(1, len(code))]
    damaged += [code[:i] + bytes([code[i] ^ 64]) + code[i + 1 :] for i in range(len(code))]
    for content in damaged:
        source.write_bytes(content)
        run("decompress", "a.rnnz", "-o", "b", cwd=tmp_path).refused(4 if content[4:5] > b"\1" else 3)
    assert not (tmp_path / "b").exists()


def remade(body: bytes) -> bytes:
    """A file whose CRC is right."""
    return body + zlib.crc32(body).to_bytes(4, "little")


def test_hand_made_codes_are_refused(code: bytes, tmp_path: Path) -> None:
    body = code[:-4]
    cases = {
        remade(body[:5] + b"\7" + body[6:]): 3,  # a kind that is none
        remade(body[:6] + (2**60).to_bytes(8, "little") + body[14:]): 3,  # a size that no such code can have
        remade(body[:6] + (399).to_bytes(8, "little") + body[14:]): 4,  # a size that decodes to other bytes
        remade(body[:4] + bytes([compress.VERSION + 1]) + body[5:]): 4,
        b"something else": 3,
    }
    for content, exit_code in cases.items():
        (tmp_path / "a.rnnz").write_bytes(content)
        run("decompress", "a.rnnz", cwd=tmp_path).refused(exit_code)
    shutil.copy(tmp_path / "a.rnnz", tmp_path / "empty.rnnz")
    (tmp_path / "empty.rnnz").write_bytes(b"")
    run("decompress", "empty.rnnz", cwd=tmp_path).refused(3)
