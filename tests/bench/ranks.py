"""Training on several ranks of this machine: tokens per second, and the share of an update that its reduction takes.

python tests/bench/ranks.py [--ranks 1,2] [--shards 2] [--threads 1] [--updates 60] [--mpiexec "mpiexec"]
python tests/bench/ranks.py --netns     as root, with MPICH: two hosts, which are network namespaces of this machine
                                        with addresses of their own, 1 Gbit/s and 0.2 ms apart
python tests/bench/ranks.py --paper     the table of `rnncli help scale`, by its formula alone

An LSTM of 2 × 256 on characters, 4,096 tokens a rank and update. The reduction of an update is the least of all ranks:
what one waits for a slower one is not of it. All models must be the same, unless the batch grows with the ranks, as it
does unless --batch says otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SEQUENCES, STEPS = 64, 64  # of a rank
FIRST = 5  # updates that are not counted
LINKS = {"1 GbE": (125e6, 1e-4), "10 GbE": (1.25e9, 3e-5), "100 GbE": (12.5e9, 5e-6)}  # bytes/s, seconds a message
GRADIENT, UPDATE = 873_793 * 4, 4096 / 36_000  # bytes; seconds of an update on one core of a Zen 5
HOSTS = {"10.77.23.1": "rnncli-a", "10.77.23.2": "rnncli-b"}  # the namespace, and the device in it, of each address
RATE, DELAY = "1gbit", 1e-4  # seconds one way
NO_NETEM = "RNNCLI_BENCH_DELAY"  # seconds by which a message is delayed here, where the kernel does not
CONFIG = """\
task: language-model
data: {{path: text.txt, validation: 0.005, tokens: char}}
model: {{cell: lstm, hidden_size: 256, num_layers: 2, dropout: 0, embedding_size: null}}
training: {{epochs: 50, updates: {updates}, batch_size: {batch}, bptt: {steps}, shards: {shards}, threads: {threads},
  precision: float32}}
"""


def reduction(gradient: float, ranks: int, bandwidth: float, latency: float) -> float:
    """Return the seconds that adding up a gradient of so many bytes takes on paper."""
    return 2 * gradient * (1 - 1 / ranks) / bandwidth + 3 * math.log2(ranks) * latency


def paper() -> None:
    print("| ranks |" + "".join(f" {name} |" for name in LINKS))
    print("|---|" + "---|" * len(LINKS))
    for ranks in (2, 4, 8, 16, 32, 64):
        took = [reduction(GRADIENT, ranks, *link) for link in LINKS.values()]
        print(f"| {ranks} |" + "".join(f" {UPDATE / (UPDATE + one):.0%} ({1e3 * one:.3g} ms) |" for one in took))


def work() -> None:
    """Be a rank: train by the command, and let rank 0 write the seconds of updates and of reductions in them."""
    from rnncli.cli import main
    from rnncli.tasks.language_model.experiment import TextExperiment
    from rnncli.training.loop import TrainingLoop
    from rnncli.training.ranks import Ranks
    from rnncli.workflows.mpi_job import MpiJob

    adds, updates = [0.0], []
    add, update, exchange, end = Ranks.add, TrainingLoop._update, MpiJob.exchange, MpiJob.end
    delay = float(os.environ.get(NO_NETEM, 0))

    def timed_add(*arguments):
        began = time.perf_counter()
        result = add(*arguments)
        adds[-1] += time.perf_counter() - began
        return result

    def timed_update(loop):
        adds.append(0.0)
        began = time.perf_counter()
        result = update(loop)
        updates.append(time.perf_counter() - began)
        return result

    def delayed(job, *arguments):
        exchange(job, *arguments)
        time.sleep(delay)

    def told(job, code):
        every = job.gather(adds[1:]) if code == 0 else []
        if every and job.rank == 0:
            least = [min(of_all) for of_all in zip(*every, strict=True)]
            Path("took.json").write_text(json.dumps([updates, least]), encoding="utf-8")
        end(job, code)

    Ranks.add, TrainingLoop._update, MpiJob.end = timed_add, timed_update, told
    TextExperiment.score = lambda experiment: None  # whose baselines take longer than all updates
    if delay:
        MpiJob.exchange = delayed
    sys.argv = ["rnncli", *sys.argv[2:]]
    try:
        main()
    finally:
        if not Path("took.json").exists() and adds[1:]:  # one process
            Path("took.json").write_text(json.dumps([updates, adds[1:]]), encoding="utf-8")


def measured(launch: list[str], ranks: int, options: argparse.Namespace) -> tuple[float, float, float, str]:
    """Return tokens per second, the medians of the seconds of an update and of its reduction, and the model's hash."""
    batch = options.batch or SEQUENCES * ranks
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [
            f"{'bcdfghjklmnpqrst'[k % 16]}{'aeiouy'[k % 6]}{'BCDFGHJKLMNPQRSTVWXZ'[k % 20]}{k % 10}" for k in range(480)
        ]
        order = hashlib.shake_256(b"text").digest(2 * max(60_000, batch * STEPS))
        text = " ".join(words[(256 * one + two) % 480] for one, two in zip(order[::2], order[1::2], strict=True))
        (folder / "text.txt").write_text(text, encoding="utf-8")
        numbers = {"updates": options.updates, "batch": batch, "steps": STEPS}
        config = CONFIG.format(**numbers, shards=options.shards, threads=options.threads)
        (folder / "config.yaml").write_text(config, encoding="utf-8")
        command = [*launch, sys.executable, str(Path(__file__).resolve()), "--work", "train", "config.yaml", "-q"]
        done = subprocess.run([*command, "-o", "run"], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{shlex.join(command)}: {done.returncode}\n{done.stderr}")
        updates, least = (times[FIRST:] for times in json.loads((folder / "took.json").read_text()))
        sha256 = hashlib.sha256((folder / "run" / "model.safetensors").read_bytes()).hexdigest()
    update = statistics.median(updates)
    return batch * STEPS / update, update, statistics.median(least), sha256


@contextmanager
def two_hosts() -> Iterator[tuple[list[str], bool]]:
    """Make two network namespaces, and yield the words that run something in the first, and whether the link has its
    delay."""
    hosts = list(HOSTS.values())

    def made(words: str) -> bool:
        return subprocess.run(words.split(), capture_output=True, check=False).returncode == 0

    try:
        ready = [made(f"ip netns add {host}") for host in hosts]
        ready.append(made(f"ip link add {hosts[0]} type veth peer name {hosts[1]}"))
        delayed = []
        for address, host in HOSTS.items():
            ready.append(made(f"ip link set {host} netns {host}"))
            ready.append(made(f"ip -n {host} addr add {address}/24 dev {host}"))
            ready += [made(f"ip -n {host} link set {device} up") for device in ("lo", host)]
            root = f"ip netns exec {host} tc qdisc add dev {host} root"
            delayed.append(made(f"{root} netem delay {1e3 * DELAY}ms rate {RATE} limit 10000"))
            if not delayed[-1]:
                ready.append(made(f"{root} tbf rate {RATE} burst 256kb latency 50ms"))
        if not all(ready):
            raise SystemExit("two network namespaces cannot be made here; run this as root")
        yield ["ip", "netns", "exec", hosts[0]], all(delayed)
    finally:
        for host in hosts:
            made(f"ip netns del {host}")


def netns(options: argparse.Namespace) -> None:
    with two_hosts() as (inside, delayed), tempfile.TemporaryDirectory() as name:
        shell = Path(name, "shell")  # what MPICH takes for ssh: HOST COMMAND…
        first, second = HOSTS.items()
        shell.write_text(
            "#!/bin/bash\nwhile [[ $1 == -* ]]; do shift; done\n"
            f'space={first[1]}; [ "$1" = {second[0]} ] && space={second[1]}; shift\n'
            'exec ip netns exec "$space" bash -c "$*"\n',
            encoding="utf-8",
        )
        shell.chmod(0o755)
        hosts = ["-hosts", ",".join(HOSTS), "-localhost", first[0], "-launcher", "ssh", "-launcher-exec", str(shell)]
        apart = ["-genv", "UCX_TLS", "tcp,self", "-genv", "MPIR_CVAR_NOLOCAL", "1"]  # as if they shared no memory
        late = [] if delayed else ["-genv", NO_NETEM, str(DELAY)]
        launch = [*inside, *shlex.split(options.mpiexec), *hosts, *apart, *late, "-n", "2"]
        speed, update, least, sha256 = measured(launch, 2, options)
        _, alone, _, same = measured([*shlex.split(options.mpiexec), "-n", "2"], 2, options)
    how = "by tc" if delayed else "the rate by tc, the delay by this script, as this kernel has no netem"
    print(f"two hosts, 1 Gbit/s, {2e3 * DELAY:.1f} ms there and back ({how}):")
    print(f"  {speed:,.0f} tokens/s; an update {1e3 * update:.1f} ms, its reduction {1e3 * least:.1f} ms")
    wanted = reduction(GRADIENT, 2, LINKS["1 GbE"][0], DELAY)
    work_time = update - least
    print(f"  efficiency measured {work_time / update:.1%}, by the formula {work_time / (work_time + wanted):.1%}")
    print(
        f"  without the link an update takes {1e3 * alone:.1f} ms; the same bytes: {'yes' if sha256 == same else 'NO'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--batch", type=int, default=0, help="sequences of all ranks together")
    parser.add_argument("--mpiexec", default="mpiexec")
    parser.add_argument("--netns", action="store_true")
    parser.add_argument("--paper", action="store_true")
    options = parser.parse_args()
    if options.paper:
        paper()
        return
    if options.netns:
        netns(options)
        return
    base, hashes = 0.0, set()
    for ranks in map(int, options.ranks.split(",")):
        launch = [*shlex.split(options.mpiexec), "-n", str(ranks)] if ranks > 1 else []
        speed, update, least, sha256 = measured(launch, ranks, options)
        base = base or speed / ranks
        hashes.add(sha256)
        print(
            f"{ranks} ranks × {options.threads}: {speed:,.0f} tokens/s, {speed / base:.2f} of one; an update "
            f"{1e3 * update:.1f} ms, its reduction {1e3 * least:.2f} ms, {least / update:.1%}; model {sha256[:12]}",
            flush=True,
        )
    if options.batch and len(hashes) > 1:
        raise SystemExit("the models differ")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work()
    else:
        main()
