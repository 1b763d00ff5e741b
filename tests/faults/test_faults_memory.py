"""A million rows or lines through predict, predict --follow and score take no more memory than some thousand.

Each command runs alone under a limit of ROOM bytes of addresses, as by `ulimit -v`, and is fed as it reads. Its peak of
resident memory at two sizes may differ by MORE.
"""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from attacks import FULL, Tally, size
from cli_runs import COMMAND, environment, run

pytestmark = pytest.mark.faults
FEW, MANY = size(5_000, 50_000), size(20_000, 1_000_000)
MORE = 20_000_000
ROOM = 8_000_000_000
WORDS = ["red", "blue", "green", "one", "two", "three", "dog", "cat", "house", "tree", "sun", "moon", "runs", "sits"]
KINDS = {
    "language-model": ("l.txt", "task=language-model"),
    "words": ("l.txt", "task=language-model", "data.tokens=word"),
    "pairs": ("l.txt", "task=language-model", "data.tokens=bpe", "data.vocabulary_size=280"),
    "items": ("l.txt", "task=language-model", "data.items=lines"),
    "lines": ("c.txt", "task=classify"),
    "texts": ("c.csv", "task=classify", "data.text=text", "data.id=id", "data.label=y"),
    "wide": ("w.csv", "task=classify", "data.label=y"),
    "long": ("n.csv", "task=regress", "data.id=id", "data.label=y"),
    "columns": ("t.conll", "task=tag"),
    "steps": ("g.csv", "task=tag", "data.id=id", "data.inputs=[x, z]", "data.label=y"),
    "seq2seq": ("s.tsv", "task=seq2seq"),
    "forecast": ("f.csv", "task=forecast", "data.context=8", "data.horizon=2"),
}
TINY = ("model.hidden_size=4", "training.epochs=1", "training.threads=1")
QUICK = "predict texts", "predict long", "predict columns", "score words"  # of the quick size, which takes some seconds


def text(i: int, words: int = 4) -> str:
    return " ".join(WORDS[(i * 7 + k * k * (i % 5 + 1)) % len(WORDS)] for k in range(words))


def lines(last: str = "") -> Iterator[str]:
    return (f"{text(i)}{last}\n" for i in numbers())


def numbers() -> Iterator[int]:
    i = 0
    while True:
        yield i
        i += 1


def table(header: str, row: Callable[[int], str]) -> Iterator[str]:
    yield f"{header}\n"
    yield from (f"{row(i)}\n" for i in numbers())


def steps(i: int) -> str:
    return f"s{i // 5},{i % 7}.5,{i % 3}"


def trained_on() -> dict[str, Iterable[str]]:
    """The data of each file to train on."""
    return {
        "l.txt": islice(lines(), 100),
        "c.txt": (f"{'ab'[i % 2]}\t{text(i)}\n" for i in range(100)),
        "c.csv": islice(table("id,text,y", lambda i: f"r{i},{text(i)},{'ab'[i % 2]}"), 100),
        "w.csv": islice(table("x,z,y", lambda i: f"{i % 7},{i % 3}.5,{'ab'[i % 2]}"), 100),
        "n.csv": islice(table("id,x,z,y", lambda i: f"{steps(i)},{i // 5 % 3}"), 200),
        "g.csv": islice(table("id,x,z,y", lambda i: f"{steps(i)},{'ab'[i % 2]}"), 200),
        "t.conll": (f"{WORDS[i % 14]}\t{'ab'[i % 2]}\n" if i % 6 else "\n" for i in range(1, 300)),
        "s.tsv": (f"{text(i, 1)}\t{text(i, 1).upper()}\n" for i in range(60)),
        "f.csv": islice(table("t,v", lambda i: f"{i},{i % 7}.5"), 120),
    }


ASKED: dict[str, tuple[list[str], Callable[[], Iterator[str]]]] = {
    **{f"predict {kind}": (["predict", kind, "-", "-f", "jsonl"], lines) for kind in ("language-model", "words")},
    "predict lines": (["predict", "lines", "-", "-f", "json"], lines),
    "predict texts": (["predict", "texts", "-"], lambda: table("id,text", lambda i: f"r{i},{text(i)}")),
    "predict wide": (["predict", "wide", "-", "-f", "table"], lambda: table("x,z", lambda i: f"{i % 7},{i % 3}.5")),
    "predict long": (["predict", "long", "-"], lambda: table("id,x,z", steps)),
    "predict columns": (
        ["predict", "columns", "-", "-f", "json"],
        lambda: (f"{WORDS[i % 14]}\n" if i % 6 else "\n" for i in islice(numbers(), 1, None)),
    ),
    "predict sentences": (["predict", "columns", "-"], lines),
    "predict steps": (["predict", "steps", "-"], lambda: table("id,x,z", steps)),
    "predict seq2seq": (["predict", "seq2seq", "-", "--beam", "1"], lambda: (f"{text(i, 1)}\n" for i in numbers())),
    "follow": (["predict", "forecast", "-", "--follow"], lambda: table("t,v", lambda i: f"{120 + i},{i % 7}.5")),
    **{f"score {kind}": (["score", kind, "-"], lines) for kind in ("language-model", "words", "pairs", "items")},
    "score jsonl": (["score", "words", "-", "-f", "jsonl"], lines),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("memory")
    for name, content in trained_on().items():
        (path / name).write_text("".join(content))
    return path


def trained(kind: str, folder: Path) -> None:
    """Train a kind of run, if it is not there."""
    data, *keys = KINDS[kind]
    options = [part for one in (*keys, *TINY) for part in ("--set", one)]
    if not (folder / kind).exists():
        run("train", data, "-q", "-o", kind, *options, cwd=folder).ok()


# The peak of a process begins with that of the one it was forked from, so that a small one in between starts it.
ALONE = """
import os, resource, sys
child = os.fork()
if child == 0:
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
    os.execvp(sys.argv[3], sys.argv[3:])
_, status, usage = os.wait4(child, 0)
with open(sys.argv[2], "w") as file:
    file.write(str(usage.ru_maxrss * 1024))
os._exit(os.waitstatus_to_exitcode(status) & 255)
"""


def peak(arguments: list[str], fed: Iterable[str], cwd: Path) -> tuple[int, int, str]:
    """Return the exit code, the peak of resident memory in bytes, and what was said of a command that is fed lines."""
    with (cwd / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", ALONE, str(ROOM), "peak", *COMMAND, *arguments],
            cwd=cwd,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        feeder = threading.Thread(target=_feed, args=(process, fed))
        feeder.start()
        process.wait()
        feeder.join()
    return process.returncode, int((cwd / "peak").read_text()), (cwd / "said").read_text()[-500:]


def _feed(process: subprocess.Popen[bytes], fed: Iterable[str]) -> None:
    assert process.stdin
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        for line in fed:
            pipe.write(line.encode())


@pytest.mark.parametrize("name", ASKED if FULL else QUICK)
def test_memory_does_not_follow_the_input(name: str, folder: Path) -> None:
    arguments, fed = ASKED[name]
    trained(arguments[1], folder)
    few, many = (peak(arguments, islice(fed(), count + 1), folder) for count in (FEW, MANY))
    _flat(Tally(f"{name}: memory of {MANY:,} lines or rows"), few, many)


@pytest.mark.parametrize("more", [[], ["-f", "jsonl"], ["--max-copy", "20"], ["--stop", "never there"]][: size(1, 4)])
def test_a_long_text_is_written_in_the_memory_of_a_short_one(more: list[str], folder: Path) -> None:
    shortest, longest = 10_000, size(2_500_000, 100_000_000)
    trained("language-model", folder)
    few, many = (peak(["generate", "language-model", "-n", str(n), *more], [], folder) for n in (shortest, longest))
    _flat(Tally(f"generate {' '.join(more)}: memory of {longest:,} tokens"), few, many)


def _flat(tally: Tally, few: tuple[int, int, str], many: tuple[int, int, str]) -> None:
    """Count what the same command of a short and of a long input came to."""
    for code, _, said in (few, many):
        if code:
            tally.fail(f"exit {code}: {said}")
    if many[1] - few[1] > MORE:
        tally.fail(f"{few[1]:,} bytes for a short input, {many[1]:,} for a long one")
    else:
        tally.count(f"flat, {few[1] / 1e6:.0f} and {many[1] / 1e6:.0f} MB")
    tally.end()


def test_what_cannot_fit_is_refused_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally("inputs that do not fit")
    rows = islice(table("t,v", lambda i: f"{i},{i * 0.37:.4f}"), size(1_800_000, 20_000_000))
    with (folder / "big.csv").open("w") as file:
        file.writelines(rows)
    with gzip.open(folder / "bomb.csv.gz", "wb", 9) as packed:
        packed.write(b"t,v\n")
        for _ in range(size(400, 10_000)):
            packed.write(b"1,2\n" * (1 << 18))
    characters = [chr(c) for c in range(0x100, 0x12000) if not 0xD800 <= c < 0xE000]
    (folder / "many.txt").write_text("\n".join("".join(characters[i : i + 60]) for i in range(0, 70_000, 60)) * 3)
    monkeypatch.setitem(globals(), "ROOM", 1_000_000_000)
    tries = {
        "a table": (["train", "big.csv", "--set", "task=forecast"], 5),
        "of labels": (["train", "big.csv", "--set", "task=classify", "--set", "data.label=v"], 5),
        "of pairs": (["train", "big.csv", "--set", "task=seq2seq"], 5),
        "a bomb": (["train", "bomb.csv.gz", "--set", "task=forecast"], 5),
        "characters": (["train", "many.txt"], 3),
        "a network": (["train", "l.txt", "--set", "model.hidden_size=65536"], 2),
    }
    for name, (arguments, wanted) in tries.items():
        code, taken, said = peak([*arguments, "-q", "-o", "refused", "--set", "training.threads=1"], [], folder)
        if code != wanted or taken > 800_000_000 or "; " not in said:
            tally.fail(f"{name}: exit {code}, {taken:,} bytes: {said}")
        else:
            tally.count(f"exit {code}")
    tally.end(at_least=len(tries))
