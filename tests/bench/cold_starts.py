"""Four starts at once with nothing compiled, beside one alone: one compiles each kernel while the others wait.

python tests/bench/cold_starts.py [ROUNDS]      20 rounds by default, of `train` and of `generate`; some 20 minutes

Each round prints the seconds of one alone, of the slowest of four, and their ratio, which should be at most 1.5; the
exit code is 1 if one is more, or if any start failed.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STARTS, LIMIT = 4, 1.5
TEXT = "".join(f"The {('fox', 'hen', 'crow')[i % 3]} saw the {('well', 'barn')[i * i % 2]}.\n" for i in range(400))
SMALL = ["--set", "model.hidden_size=8", "--set", "training.epochs=1", "--set", "training.threads=1"]
COMMANDS = {"train": ["train", "../text.txt", "-q", *SMALL], "generate": ["generate", "../run", "-n", "5"]}


def seconds(arguments: list[str], folder: Path, starts: int) -> float:
    """Return how long the slowest of so many starts takes from an empty cache, which they share."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        environment = {**os.environ, "RNNCLI_CACHE": str(Path(name).resolve() / "kernels")}
        began = time.perf_counter()
        processes = []
        for i in range(starts):
            out = ["-o", f"run-{i}"] if arguments[0] == "train" else []
            command = [sys.executable, "-m", "rnncli", *arguments, *out]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            processes.append(subprocess.Popen(command, cwd=name, env=environment, **quiet))
        codes = [process.wait() for process in processes]
        if any(codes):
            raise SystemExit(f"{arguments[0]}: a start failed, {codes}")
        return time.perf_counter() - began


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    slow = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "text.txt").write_text(TEXT, encoding="utf-8")
        prepare = [sys.executable, "-m", "rnncli", "train", "text.txt", "-o", "run", "-q", *SMALL]
        subprocess.run(prepare, cwd=folder, check=True, capture_output=True)
        for command, arguments in COMMANDS.items():
            ratios = []
            for _ in range(rounds):
                alone, slowest = seconds(arguments, folder, 1), seconds(arguments, folder, STARTS)
                ratios.append(slowest / alone)
                print(f"{command:<10} alone {alone:5.1f} s   slowest of {STARTS} {slowest:5.1f} s   {ratios[-1]:.2f}")
            slow |= max(ratios) > LIMIT
            print(f"{command:<10} median {statistics.median(ratios):.2f}, worst {max(ratios):.2f}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
