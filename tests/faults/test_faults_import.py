"""A file of weights that somebody else made, changed at random: a run, or one line and its exit code, and nothing else
written; never more memory than the file has bytes for.
"""

from __future__ import annotations

import contextlib
import json
import random
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attacks import Tally, size
from cli_runs import run
from safetensors.numpy import save

pytestmark = pytest.mark.faults

ROOM = 4 << 30  # bytes of address space beside what the process has
V, E, H = 6, 3, 4
SHAPES = {
    "lstm.weight_ih_l0": (4 * H, E),
    "lstm.weight_hh_l0": (4 * H, H),
    "lstm.bias_ih_l0": (4 * H,),
    "embed.weight": (V, E),
    "fc.weight": (V, H),
    "fc.bias": (V,),
}
VALUES: list[Any] = [-1, 0, 1, 2, 7, 1 << 31, 1 << 62, 1e300, None, True, "x", [], {}, [1, 2], [[1]], float("nan")]
DTYPES = ["F16", "BF16", "F32", "F64", "I64", "U8", "BOOL", "", 3]
NAMES = [
    *SHAPES,
    "lstm.weight_hh_l7",
    "rnn.weight_ih_l0_reverse",
    "",
    "\0",
    "\x1b[2J",
    "é" * 300,
    "__metadata__",
    "a.b",
]


def sound() -> tuple[dict[str, Any], bytes]:
    """What a file says of its tensors, and their bytes."""
    numbers = np.random.default_rng(1)
    content = save({name: numbers.normal(0, 1, shape).astype(np.float32) for name, shape in SHAPES.items()})
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def change(header: dict[str, Any], draw: random.Random) -> None:
    """Change something of one tensor, if it can be."""
    name = draw.choice(list(header))
    changes: list[Callable[[], Any]] = [
        lambda: header.update({draw.choice(NAMES): header.pop(name)}),
        lambda: header[name].update(dtype=draw.choice(DTYPES)),
        lambda: header[name].update(shape=[draw.choice(VALUES) for _ in range(draw.randint(0, 9))]),
        lambda: header[name].update(data_offsets=[draw.choice(VALUES), draw.choice(VALUES)]),
        lambda: header.update({name: draw.choice(VALUES)}),
        lambda: header.pop(name),
        lambda: header.update({draw.choice(NAMES): dict(header[name])}),
    ]
    with contextlib.suppress(AttributeError, TypeError, ValueError):  # another change was there first
        draw.choice(changes)()


def with_another_header(draw: random.Random) -> bytes:
    header, rest = sound()
    for _ in range(draw.randint(1, 3)):
        change(header, draw)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + rest


def with_other_bytes(draw: random.Random) -> bytes:
    header, rest = sound()
    text = json.dumps(header).encode()
    content = bytearray(len(text).to_bytes(8, "little") + text + rest)
    for _ in range(draw.randint(1, 4)):
        content[draw.randrange(len(content))] = draw.randrange(256)
    return bytes(content[: draw.randint(0, len(content))]) if draw.random() < 0.3 else bytes(content)


LISTS = ['["a","b","c","d","e","f"]', "a\nb\nc\nd\ne\nf\n", "", "[", '{"a":0}', "[1]", '["\\ud800"]', "[" * 5000, "\0"]


def test_weights_that_are_changed_at_random(tmp_path: Path) -> None:
    tally, draw = Tally("import of changed weights"), random.Random(23)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, before[1]))
    try:
        for number in range(size(400, 20_000)):
            content = draw.choice([with_another_header, with_other_bytes])(draw)
            (tmp_path / "w.safetensors").write_bytes(content)
            listed = LISTS[0] if draw.random() < 0.8 else draw.choice(LISTS)
            (tmp_path / "v").write_bytes(listed.encode("utf-8", "surrogatepass"))
            task = draw.choice(["language-model", "classify", "regress", "tag"])
            options = ["--vocabulary", "v"] if draw.random() < 0.8 else []
            options += ["--labels", "v"] if task in ("classify", "tag") else []
            done = run("import", "w.safetensors", "--task", task, *options, "-o", f"run{number}", cwd=tmp_path)
            made = (tmp_path / f"run{number}").exists()
            if done.code not in (0, 2, 3, 4) or made != (done.code == 0) or len(done.errors) != (done.code != 0):
                (tmp_path / f"failed{number}").write_bytes(content)
                tally.fail(f"try {number}: {task} {options}: {done}")
                continue
            tally.count(f"exit code {done.code}")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    tally.end(at_least=400)
