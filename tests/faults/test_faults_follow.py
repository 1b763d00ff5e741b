"""Sound on a pipe that anybody may have damaged, in pieces of any size: its steps are those of the same file, or finite
up to a line that says what is wrong.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Iterator

import numpy as np
import pytest
from attacks import Tally, size
from sounds import CODES, wav
from test_faults_recordings import SOUND, damaged

from rnncli.config.recordings import FeatureConfig
from rnncli.data.sound_stream import CODINGS, Raw, steps_as_they_come
from rnncli.data.sounds import read_sound
from rnncli.data.source import Source
from rnncli.errors import DataError, RnncliError, UsageError

pytestmark = pytest.mark.faults

FEATURES = [FeatureConfig(bands=5), FeatureConfig(bands=4, stack=3, deltas=True)]


def pieces(content: bytes, rng: random.Random) -> Iterator[bytes]:
    longest = rng.choice([1, 7, 400, 1 << 16])
    start = 0
    while start < len(content):
        yield content[start : (start := start + rng.randint(1, longest))]


def of_file(content: bytes, features: FeatureConfig) -> np.ndarray | None:
    """The steps of a file, None where it is refused."""
    try:
        return read_sound(Source("-", content), features, 8000).steps
    except DataError:
        return None


def outcome(content: bytes, rng: random.Random) -> str:
    features, found = rng.choice(FEATURES), []
    told = {name: rng.choice([None, *values]) for name, values in {"rate": [8000, 44100], "channels": [1, 3]}.items()}
    raw = Raw(coding=rng.choice([None, *CODINGS]), **told) if rng.random() < 0.5 else Raw()
    refused = None
    try:
        found.extend(steps_as_they_come(pieces(content, rng), "-", raw, features, 8000))
    except (DataError, UsageError) as error:
        refused = error
    except (RnncliError, Exception):
        return traceback.format_exc()
    if not all(np.isfinite(steps).all() for steps in found):
        return "STEPS that are not finite"
    named = content.startswith(b"RIFF")
    if refused is not None:
        if not str(refused).startswith(("-: ", "--rate ", "--coding ", "--channels ")) or "\n" in str(refused):
            return f"MESSAGE {refused}"
        if named and isinstance(refused, DataError) and of_file(content, features) is not None:
            return f"REFUSED, and the file is read: {refused}"
        return "refused"
    if not named:
        return "raw"
    whole = of_file(content, features)
    if whole is None:
        return "read, and no file"  # such as a WAV of an unknown length
    return "read" if np.array_equal(np.concatenate(found), whole) else "STEPS of another sound"


def test_damaged_sound_on_a_pipe() -> None:
    tally = Tally("damaged sound on a pipe")
    whole = [wav(SOUND, tag, bits) for tag, bits in CODES] + [wav(np.stack([SOUND, SOUND], 1), 1, 24, 11025)]
    for number in range(size(400, 40_000)):
        rng = random.Random(number)
        content = damaged(rng.choice(whole), rng)
        told = outcome(content[44:] if rng.random() < 0.3 else content, rng)
        if told in ("refused", "raw", "read", "read, and no file"):
            tally.count(told)
        else:
            tally.fail(f"try {number}: {told}")
    tally.end(at_least=400)
