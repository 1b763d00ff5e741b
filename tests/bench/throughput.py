"""Training throughput of rnncli and PyTorch (and JAX, where it is installed) in turn, in one process.

    env -u OPENBLAS_CORETYPE python tests/bench/throughput.py [--cells lstm,gru,rnn] [--hidden 128,256,512] \
        [--precision float32,bfloat16] [--json]

Same model, batch and threads: an embedding, stacked layers, softmax cross-entropy over V = 65 tokens, clipping, Adam.
Tokens per second are of whole updates; the contestants alternate, and medians are compared. GFLOP/s counts what rnncli
really multiplies, so folding the embedding is not counted in its favour; the peak is the best of ten loops that never
leave the registers, on the same cores in the same run. JAX cannot be told a number of threads: it is measured in the
rows where all cores are used, in float32. Ratios are within a precision: PyTorch's bfloat16 is that of autocast. `of
float32` is rnncli's rate over its own in float32, in turn with it. After that comes what an update costs as T, B and H
grow.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

from contestants import Model, jax_update, rnncli_update, torch_update
from peak import peak_gflops
from rich.console import Console
from rich.table import Table

K = TypeVar("K", bound=Hashable)
ROUNDS = 7
PAUSE = 0.5  # seconds in which the other's threads, which spin for a while when they are done, leave the cores
COST_CELL, COST = "lstm", {"hidden": 256, "batch": 32, "bptt": 50}
GROWTH: dict[str, list[int]] = {"bptt": [25, 50, 100, 200], "batch": [16, 32, 64, 128], "hidden": [128, 256, 512]}


def seconds_of(update: Callable[[], Any], at_least: float, pause: float) -> float:
    """The mean time of an update over at least so many seconds."""
    time.sleep(pause)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < at_least or count < 2:
        update()
        count += 1
    return (time.perf_counter() - began) / count


def medians(updates: dict[K, Callable[[], Any]], at_least: float, count: int, threads: int) -> dict[K, float]:
    """Seconds of an update of each, from rounds in which they alternate."""
    for update in updates.values():
        update()  # compiles, allocates
    pause = PAUSE if threads > 1 else 0.0
    rounds = [{name: seconds_of(update, at_least, pause) for name, update in updates.items()} for _ in range(count)]
    return {name: statistics.median(times[name] for times in rounds) for name in updates}


def measured(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    jax = importlib.util.find_spec("jax") is not None
    for threads in arguments.threads:
        peaks = {precision: peak_gflops(threads, precision) for precision in arguments.precision}
        for cell, H, layers, B, T in itertools.product(
            arguments.cells, arguments.hidden, arguments.layers, arguments.batch, arguments.bptt
        ):
            updates = {}
            for precision in arguments.precision:
                model = Model(cell, H, layers, precision=precision)
                updates["rnncli", precision] = rnncli_update(model, B, T, threads)
                updates["torch", precision] = torch_update(model, B, T, threads)
                if jax and threads == os.cpu_count() and precision == "float32":
                    updates["jax", precision] = jax_update(model, B, T, threads)
            times = medians(updates, arguments.seconds, arguments.rounds, threads)
            rates = {key: B * T / seconds for key, seconds in times.items()}
            for precision in arguments.precision:
                rate = {name: rates[name, precision] for name, of in rates if of == precision}
                gflops = rate["rnncli"] * model.flops_per_token() / 1e9
                yield {
                    "cell": cell,
                    "hidden": H,
                    "layers": layers,
                    "batch": B,
                    "bptt": T,
                    "threads": threads,
                    "precision": precision,
                    **{f"{name}_tokens_per_second": round(value) for name, value in rate.items()},
                    "ratio": round(rate["rnncli"] / rate["torch"], 2),
                    "of_float32": round(rate["rnncli"] / rates.get(("rnncli", "float32"), math.nan), 2),
                    "gflops": round(gflops, 1),
                    "peak_share": round(gflops / peaks[precision], 3),
                }


def cost(threads: int, at_least: float) -> Iterator[tuple[str, int, float, float, float]]:
    """(key, value, milliseconds of an update, growth against the first row, growth of its FLOPs)."""
    for key, values in GROWTH.items():
        first: tuple[float, float] | None = None
        for value in values:
            setting = COST | {key: value}
            model = Model(COST_CELL, setting["hidden"], 2)
            update = rnncli_update(model, setting["batch"], setting["bptt"], threads)
            seconds = medians({"rnncli": update}, at_least, ROUNDS, threads)["rnncli"]
            flops = model.flops_per_token() * setting["batch"] * setting["bptt"]
            first = first or (seconds, flops)
            yield key, value, seconds * 1e3, seconds / first[0], flops / first[1]


def print_rows(rows: list[dict[str, Any]]) -> None:
    table = Table(
        "cell",
        "H",
        "layers",
        "B",
        "T",
        "threads",
        "precision",
        "rnncli",
        "PyTorch",
        "JAX",
        "ratio",
        "of float32",
        "GFLOP/s",
        "of peak",
        title="tokens/s",
        box=None,
    )
    for row in rows:
        jax = f"{row['jax_tokens_per_second']:,}" if "jax_tokens_per_second" in row else "–"
        table.add_row(
            *(str(row[key]) for key in ("cell", "hidden", "layers", "batch", "bptt", "threads", "precision")),
            f"{row['rnncli_tokens_per_second']:,}",
            f"{row['torch_tokens_per_second']:,}",
            jax,
            f"{row['ratio']:.2f}",
            f"{row['of_float32']:.2f}",
            f"{row['gflops']:.0f}",
            f"{row['peak_share']:.0%}",
        )
    Console(width=140).print(table)
    print(f"geometric mean of ratios: {statistics.geometric_mean(row['ratio'] for row in rows):.2f}")


def print_cost(threads: int, at_least: float) -> None:
    table = Table(
        "",
        "ms per update",
        "growth",
        "growth of FLOPs",
        box=None,
        title=f"cost of an update: {COST_CELL}, otherwise {COST}, {threads} threads",
    )
    for key, value, milliseconds, growth, flops in cost(threads, at_least):
        table.add_row(f"{key} {value}", f"{milliseconds:.1f}", f"{growth:.2f}", f"{flops:.2f}")
    Console(width=140).print(table)


def main() -> None:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=lambda text: text.split(","), default=["lstm", "gru", "rnn"])
    for name, default in (("hidden", "128,256,512"), ("layers", "2"), ("batch", "50"), ("bptt", "50")):
        parser.add_argument(f"--{name}", type=numbers, default=numbers(default))
    parser.add_argument("--threads", type=numbers, default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--precision", type=lambda text: text.split(","), default=["float32"])
    parser.add_argument("--seconds", type=float, default=0.3, help="that each contestant runs for in each round")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--no-cost", action="store_true", help="leave out the table of growing cost")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of tables")
    arguments = parser.parse_args()
    rows = list(measured(arguments))
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    print_rows(rows)
    if not arguments.no_cost:
        print_cost(max(arguments.threads), arguments.seconds)


if __name__ == "__main__":
    main()
