"""Shared by every test: siblings of this folder can be imported."""

import os
import sys
from pathlib import Path

# Before anything imports numpy: its matrices are small here, and a second pool of threads would only wait for ours.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parent))
