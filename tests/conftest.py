"""Shared by every test: siblings of this folder can be imported, and a JIT-off run may overflow integers quietly."""

import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

if os.environ.get("NUMBA_DISABLE_JIT") == "1":
    np.seterr(over="ignore")  # the random generator multiplies modulo 2^64 on purpose
