"""Tiny Shakespeare as tokens, where the folder $RNNCLI_DATA has it."""

import os
from pathlib import Path

import numpy as np
import pytest


def tiny_shakespeare():
    """Its first nine tenths and its last one as numbers of characters, from 1 on, and how many numbers there are."""
    folder = os.environ.get("RNNCLI_DATA")
    file = Path(folder or ".") / "tinyshakespeare.txt"
    if not folder or not file.exists():
        pytest.skip("needs tinyshakespeare.txt in the folder $RNNCLI_DATA")
    text = file.read_text(encoding="utf-8")
    numbers = {character: k for k, character in enumerate(sorted(set(text)), start=1)}
    tokens = np.array([numbers[character] for character in text], np.int32)
    cut = len(tokens) - int(0.1 * len(tokens))
    return tokens[:cut], tokens[cut:], len(numbers) + 1
