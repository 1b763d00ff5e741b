"""The figures of quality.py for texts that are coded in few bytes: by counts and a network, with and without a run."""

from __future__ import annotations

import bz2
import json
import lzma
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command import rnncli

Figure = dict[str, Any]
RANDOM_FILES = 200


def coded(file: Path, *options: str | Path) -> int:
    """The size of the code of a file, which comes back from it; no less is believed."""
    code, again = file.with_suffix(".rnnz"), file.with_suffix(".again")
    rnncli("compress", file, "-o", code, *options)
    rnncli("decompress", code, "-o", again, *options)
    assert again.read_bytes() == file.read_bytes()
    return code.stat().st_size


def whole(data: Path, run: Path) -> Figure:
    content = (data / "tinyshakespeare.txt").read_bytes()
    file = run.with_suffix(".txt")
    file.write_bytes(content)
    others = {
        "xz -9e": len(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)),
        "bzip2 -9": len(bz2.compress(content)),
    }
    size = coded(file)
    floor = min(others.values())
    return {
        "score": size,
        "better": "lower",
        "floor": floor,
        "target": floor,
        "passed": size < floor,
        "floors": others,
        "bits_per_byte": 8 * size / len(content),
        "protocol": "bytes of tinyshakespeare.txt after `rnncli compress`, all included, which decompress gave back",
    }


def given_a_run(data: Path, run: Path) -> Figure:
    text = (data / "tinyshakespeare.txt").read_text(encoding="utf-8")
    cut = int(0.9 * len(text))
    known, rest = run.with_suffix(".known.txt"), run.with_suffix(".rest.txt")
    known.write_text(text[:cut], encoding="utf-8")
    rest.write_text(text[cut:], encoding="utf-8")
    rnncli("train", known, "-o", run, "-q")
    floors = json.loads(rnncli("evaluate", run, rest, "-f", "json"))["floors"]
    nats = min(floors.values())
    target = nats / 0.6931471805599453 * len(text[cut:]) / 8
    size = coded(rest, "--run", run)
    return {
        "score": size,
        "better": "lower",
        "floor": round(target),
        "target": round(target),
        "passed": size < target,
        "bits_per_byte": 8 * size / len(rest.read_bytes()),
        "protocol": "bytes of the last 10% of tinyshakespeare.txt after `rnncli compress --run RUN`, all included, of "
        "a run of the first 90%; the floor is the code length of its strongest n-gram",
    }


def any_files(data: Path, run: Path) -> Figure:
    """Files of noise, of few values, of repeated words and of text that is no UTF-8, empty ones too."""
    draws, tried = random.Random(1), 0
    words = [draws.randbytes(draws.randrange(1, 9)) for _ in range(50)]
    for i in range(RANDOM_FILES):
        size = draws.choice([0, 1, 2, 17, 300, 2000])
        content = [
            draws.randbytes(size),
            bytes(draws.choices(b"\0\1\xff", k=size)),
            b"".join(draws.choices(words, k=size // 4)),
            "".join(draws.choices("aé漢🦊 \n", k=size // 2)).encode(draws.choice(["utf-8", "utf-16"])),
        ][i % 4]
        file = run.with_suffix(f".{i}")
        file.write_bytes(content)
        for threads in ("1", "3"):
            rnncli("compress", file, "-o", file.with_suffix(f".code{threads}"), "--threads", threads)
        one, three = (file.with_suffix(f".code{threads}").read_bytes() for threads in ("1", "3"))
        rnncli("decompress", file.with_suffix(".code1"), "-o", file.with_suffix(".again"), "--threads", "3")
        tried += one == three and file.with_suffix(".again").read_bytes() == content
        for each in file.parent.glob(f"{file.stem}.*"):
            each.unlink()
    return {
        "score": tried,
        "better": "higher",
        "floor": 0,
        "target": RANDOM_FILES,
        "passed": tried == RANDOM_FILES,
        "protocol": "files that come back byte for byte, whose code is the same by 1 and 3 threads",
    }


TEXTS: dict[str, Callable[[Path, Path], Figure]] = {
    "compress": whole,
    "compress-given-a-run": given_a_run,
    "compress-any-files": any_files,
}
