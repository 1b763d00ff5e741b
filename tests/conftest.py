"""Shared by every test: what they import beside them, and what needs an extra, which is skipped here alone."""

import os
import signal
import sys
from pathlib import Path

# Before anything imports numpy or PyTorch: matrices are small here, and a second pool of threads would only wait.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tables are as wide as a terminal of 80 columns, whoever runs the tests in a wider one.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)

# A shell's job in the background ignores Ctrl-C, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parent / "cli"))  # whose `cli_runs` attacks run the command with

import hypothesis
import pytest
from extras import MARKED, missing

hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("untimed")
collect_ignore_glob = ["**/*_parity.py"] if missing("parity") else []  # files that are all about PyTorch


# Folders whose tests neither run commands nor compile much; long ones among them carry a marker of their own.
FAST = ("config", "data", "tasks", "ui", "workflows")
UNHURRIED = {"thorough", "slow", "samples", "readme", "long", "parity", "onnx", "faults"}


def is_fast(path):
    return path.relative_to(Path(__file__).parent).parts[0] in FAST


def pytest_ignore_collect(collection_path, config):
    """Of `-m fast` other files need not even be imported."""
    unwanted = config.option.markexpr == "fast" and collection_path.suffix == ".py" and not is_fast(collection_path)
    return True if unwanted else None


def pytest_collection_modifyitems(items):
    """Skip the tests whose extra is not installed, and mark those that are fast."""
    for item in items:
        if is_fast(item.path) and not UNHURRIED & set(item.keywords):
            item.add_marker("fast")
        for package in filter(None, (missing(marker) for marker in MARKED if item.get_closest_marker(marker))):
            item.add_marker(pytest.mark.skip(reason=f"{package} is not installed"))
