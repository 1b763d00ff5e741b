"""The adding problem (Hochreiter and Schmidhuber, 1997) as a file: random numbers, two of them marked; their sum.

python tests/bench/adding.py FILE.ts [--count 5500] [--steps 600] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path


def adding(count: int, steps: int, seed: int) -> str:
    """`count` sequences; one mark is in the first half, one in the second. Always answering 1 has an MSE of 1/6."""
    source = random.Random(seed)
    lines = ["@problemName adding", "@dimensions 2", "@targetlabel true", "@data"]
    for _ in range(count):
        values = [round(source.random(), 3) for _ in range(steps)]
        marks = source.randrange(steps // 2), source.randrange(steps // 2, steps)
        numbers = ",".join(map(str, values))
        marked = ",".join("1" if step in marks else "0" for step in range(steps))
        lines.append(f"{numbers}:{marked}:{values[marks[0]] + values[marks[1]]:.3f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=5500)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.file.write_text(adding(arguments.count, arguments.steps, arguments.seed), encoding="ascii")
