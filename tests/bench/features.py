"""Log-mel features of one hour of sound: seconds of one core, and memory, at several rates.

python tests/bench/features.py [--json]

Each is a process of its own that makes an hour of noise as a WAV of 16 bits, and reads it with the default features (40
bands, 25 ms every 10 ms). rate: of the file; read at: the rate of the model, to which another is resampled. memory: at
most, beyond that of a process which has imported the same; the features alone take 58 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile

from rich.console import Console
from rich.table import Table

JOB = """
import json, resource, sys, time, wave
import numpy as np
from rnncli.config.recordings import RecordingsConfig
from rnncli.data.recordings import read_recordings
path, rate, wanted = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random = np.random.default_rng(0)
with wave.open(path, "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(rate)
    for _ in range(3600):
        file.writeframes((3000 * random.normal(size=rate)).astype("<i2").tobytes())
data = RecordingsConfig.model_validate({"features": {"rate": wanted}})
before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
found = read_recordings(path, data, labelled=False)
seconds = time.process_time() - began
memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps({"rate": rate, "read at": wanted, "steps": len(found.items[0].features), "seconds": round(seconds, 2),
                  "MB": round(memory)}))
"""
RATES = [(8000, 8000), (16000, 16000), (44100, 16000), (48000, 8000)]
ONE_CORE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def measured(rate: int, wanted: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", JOB, f"{folder}/hour.wav", str(rate), str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | ONE_CORE)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    rows = [measured(*rates) for rates in RATES]
    if as_json:
        print(json.dumps(rows))
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
