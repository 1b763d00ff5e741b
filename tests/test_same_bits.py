"""The same seed gives the same model file, and a text the same code, for other CPUs' code as for this machine's own."""

import hashlib
import os
import subprocess
import sys

import pytest

from rnncli.kernels.cells import CELLS
from rnncli.kernels.vector_code import HAS_BFLOAT, LANES

AVX2 = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+avx"}
AVX512 = {
    "NUMBA_CPU_NAME": "skylake-avx512",
    "NUMBA_CPU_FEATURES": "+avx2,+fma,+avx,+avx512f,+avx512bw,+avx512dq,+avx512vl",
}


@pytest.mark.long
@pytest.mark.skipif(LANES != 16, reason="needs a CPU with AVX-512 to compare AVX2 code with")
@pytest.mark.parametrize(
    ("cell", "precision", "others"),
    [
        *((cell, "float32", [AVX2]) for cell in CELLS),
        pytest.param(
            "lstm",
            "bfloat16",
            [AVX512, AVX2],
            marks=pytest.mark.skipif(not HAS_BFLOAT, reason="the CPU has no such instruction"),
        ),
    ],
)
def test_model_file_does_not_depend_on_the_vector_code(cell, precision, others, tmp_path):
    (tmp_path / "text.txt").write_text("she sells sea shells by the sea shore, he sells what he shells; " * 40)
    settings = ["epochs=3", "batch_size=5", "bptt=7"]
    options = [f"training.{setting}" for setting in [*settings, f"precision={precision}"]]
    options += [f"model.cell={cell}", "model.hidden_size=37", "model.num_layers=2", "model.dropout=0.2"]
    digests = []
    for number, environment in enumerate([{}, *others]):
        name = str(number)
        command = [sys.executable, "-m", "rnncli", "train", "text.txt", "-o", name, "-q"]
        command += [part for option in options for part in ("--set", option)]
        subprocess.run(command, cwd=tmp_path, env=os.environ | environment, check=True, capture_output=True)
        digests.append(hashlib.sha256((tmp_path / name / "model.safetensors").read_bytes()).hexdigest())
    assert len(set(digests)) == 1


@pytest.mark.long
@pytest.mark.skipif(LANES != 16, reason="needs a CPU with AVX-512 to compare AVX2 code with")
def test_what_is_compressed_does_not_depend_on_the_vector_width(tmp_path):
    (tmp_path / "text.txt").write_text("she sells sea shells by the sea shore, he sells what he shells; " * 20)
    codes = []
    for name, environment in (("own", {}), ("avx2", AVX2)):
        command = [sys.executable, "-m", "rnncli", "compress", "text.txt", "-o", name]
        subprocess.run(command, cwd=tmp_path, env=os.environ | environment, check=True, capture_output=True)
        codes.append((tmp_path / name).read_bytes())
    assert codes[0] == codes[1]


PATHS = """
import hashlib, numpy as np
from rnncli.kernels.ctc import ctc_loss
from rnncli.kernels.prefix_beam import prefix_beam
random, T, B, S, C = np.random.default_rng(0), 90, 40, 39, 13
outputs, losses = random.normal(0, 3, (T, B, C)).astype(np.float32), np.zeros((T, B))
targets, lengths = random.integers(1, C, (S, B)).astype(np.int32), np.arange(B, dtype=np.int32)
found = [one for b in range(3) for one in prefix_beam(outputs[:, b], 20, 20)]
ctc_loss(outputs, targets, np.full(B, T, np.int32), lengths, losses, np.float32(1 / B), 0, B)
print(hashlib.sha256(repr([found, losses.tobytes(), outputs.tobytes()]).encode()).hexdigest())
"""


@pytest.mark.long
@pytest.mark.skipif(LANES != 16, reason="needs a CPU with AVX-512 to compare AVX2 code with")
def test_what_is_learnt_and_read_of_paths_does_not_depend_on_the_vector_width():
    digests = [
        subprocess.run([sys.executable, "-c", PATHS], env=os.environ | other, check=True, capture_output=True).stdout
        for other in ({}, AVX2)
    ]
    assert digests[0] == digests[1]
