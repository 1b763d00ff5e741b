"""Shared by every test: siblings of this folder can be imported, and what needs an extra is skipped here alone."""

import os
import sys
from pathlib import Path

# Before anything imports numpy or PyTorch: matrices are small here, and a second pool of threads would only wait.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parent))

import pytest
from extras import MARKED, missing

collect_ignore_glob = ["**/*_parity.py"] if missing("parity") else []  # files that are all about PyTorch


def pytest_collection_modifyitems(items):
    """Skip the tests whose extra is not installed."""
    for item in items:
        for package in filter(None, (missing(marker) for marker in MARKED if item.get_closest_marker(marker))):
            item.add_marker(pytest.mark.skip(reason=f"{package} is not installed"))
