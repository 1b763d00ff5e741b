"""Recordings that anybody may have damaged: each is read, to finite features, or refused in a line that names it."""

from __future__ import annotations

import io
import json
import random
import struct
import time
import traceback
import zlib
from pathlib import Path

import numpy as np
import pytest
from attacks import Tally, size
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import CODES, SUBFORMAT, chunk, riff, tone, wav

from rnncli.config.recordings import RecordingsConfig
from rnncli.data.recordings import Layout, read_recordings
from rnncli.data.source import Source
from rnncli.data.waves import open_wave
from rnncli.errors import DataError, RnncliError
from rnncli.notes import noting

pytestmark = pytest.mark.faults

CODES_OF_ERRORS = {2: "refused", 3: "refused", 5: "no room"}
LONGEST = 10.0  # seconds of computing for one file
SOUND = tone(440, 0.2) + tone(1100, 0.2)
PIXELS = np.random.default_rng(0).integers(0, 256, (9, 30), np.uint8)


def png(colour: int) -> bytes:
    each = 3 if colour == 2 else 1
    lines = b"".join(bytes([y % 5]) + row.tobytes() * each for y, row in enumerate(PIXELS))
    chunks = {b"IHDR": struct.pack(">IIBBBBB", 30, 9, 8, colour, 0, 0, 0), b"IDAT": zlib.compress(lines), b"IEND": b""}
    if colour == 3:
        chunks = {b"IHDR": chunks[b"IHDR"], b"PLTE": bytes(range(256)) * 3, **chunks}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks.items()
    )


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.random.default_rng(0).normal(size=(20, 3)))
    return file.getvalue()


def files() -> dict[str, bytes]:
    """A sound file of each kind, by name."""
    made = {f"{tag}{bits}.wav": wav(SOUND, tag, bits) for tag, bits in CODES}
    listed = chunk(b"LIST", b"INFOISFT\x04\0\0\0abc\0")
    made["extensible.wav"] = wav(np.stack([SOUND, SOUND], 1), 1, 24, 44100, extensible=True, before=(listed,))
    made |= {f"colour{colour}.png": png(colour) for colour in (0, 2, 3)}
    made["a.pgm"] = b"P5\n# grey\n30 9\n255\n" + PIXELS.tobytes()
    made["b.pgm"] = b"P2 30 9 255\n" + " ".join(map(str, PIXELS.ravel())).encode()
    made["a.npy"] = npy()
    made["a.ts"] = b"@classLabel true one two\n@data\n1,2,3:4,5,6:one two\n7,8:9,10:two\n"
    made["steps.csv"] = b"id,x,y,text\na,0,1,one\na,1,1,\nb,5,5,two\nb,2,0,\n"
    made["list.csv"] = b"path,text\n116.wav,one\n132.wav,two\n"
    lines = [{"path": "116.wav", "text": "one"}, {"path": "332.wav", "text": "two", "split": "train"}]
    made["list.jsonl"] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return made


ODD_NUMBERS = [0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0xFFFE, 0xFFFF, 2**24, 2**31 - 1, 2**31, 2**32 - 1]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """A file with one to four mistakes, most of them in its header."""
    made = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        where = rng.randrange(min(len(made), 64) if rng.random() < 0.7 else len(made)) if made else 0
        kind = rng.randrange(7)
        if kind == 0:
            made[where : where + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del made[where:]
        elif kind == 2:
            made[where : where + 4] = struct.pack("<I", rng.choice(ODD_NUMBERS))
        elif kind == 3:
            made[where : where + 2] = struct.pack(">H", rng.choice(ODD_NUMBERS) & 0xFFFF)
        elif kind == 4:
            del made[where : where + rng.randint(1, 16)]
        elif kind == 5:
            made[where:where] = rng.randbytes(rng.randint(1, 16))
        else:
            made[where:where] = made[where : where + rng.randint(1, 40)]
    return bytes(made)


def outcome(path: Path, data: RecordingsConfig, like: Layout | None) -> str:
    """What becomes of reading a file, or how it fails to be read or refused as it should."""
    began = time.process_time()
    try:
        with noting(lambda text: None):
            found = read_recordings(str(path), data, like)
        if not all(len(one.features) and np.isfinite(one.features).all() for one in found.items):
            return "FEATURES that are empty or not finite"
        told = "read"
    except RnncliError as error:
        told = CODES_OF_ERRORS.get(error.exit_code, f"EXIT CODE {error.exit_code}")
        if "\n" in str(error) or path.name not in str(error):
            told = f"MESSAGE {error}"
    except BaseException:
        told = traceback.format_exc()
    return told if time.process_time() - began < LONGEST else f"SECONDS {time.process_time() - began:.1f}"


@pytest.mark.filterwarnings("ignore:Reading `.npy`")  # written by Python 2, which numpy tells
def test_damaged_recordings(tmp_path: Path) -> None:
    tally = Tally("damaged recordings")
    whole = files()
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).with_suffix(".txt").write_text("one")
    configs = [RecordingsConfig(), RecordingsConfig.model_validate({"features": {"stack": 3, "deltas": True}})]
    for name in whole:
        assert outcome(tmp_path / name, configs[0], None) == "read", name
    for number in range(size(600, 40_000)):
        rng = random.Random(number)
        name = rng.choice(list(whole))
        (tmp_path / name).write_bytes(damaged(whole[name], rng))
        like = (
            Layout("log-mel", 40, rng.choice([8000, 16000])) if name.endswith(".wav") and rng.random() < 0.3 else None
        )
        told = outcome(tmp_path / name, configs[like is None and rng.random() < 0.3], like)
        if told in ("read", *CODES_OF_ERRORS.values()):
            tally.count(told)
        else:
            tally.fail(f"try {number}, {name}: {told}")
        (tmp_path / name).write_bytes(whole[name])
    tally.end(at_least=600)


@settings(max_examples=size(300, 20_000))
@given(
    st.lists(
        st.one_of(
            st.builds(chunk, st.sampled_from([b"fmt ", b"data", b"LIST"]), st.binary(max_size=48)),
            st.builds(
                lambda tag, channels, rate, width, bits, more: chunk(
                    b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, 0, width, bits) + more
                ),
                st.sampled_from([1, 2, 3, 0x55, 0xFFFE]),
                st.integers(0, 4),
                st.sampled_from([0, 1, 8000, 44100, 2**32 - 1]),
                st.integers(0, 16),
                st.sampled_from([0, 1, 7, 8, 12, 16, 20, 24, 32, 64, 65535]),
                st.sampled_from([b"", struct.pack("<HHIH", 22, 16, 0, 1) + SUBFORMAT]),
            ),
            st.binary(max_size=20),
        ),
        max_size=5,
    )
)
def test_any_chunks(chunks: list[bytes]) -> None:
    """Whatever chunks a WAV has, its samples are as many as are told, and finite; or it is refused."""
    try:
        found = open_wave(Source("a.wav", riff(*chunks)))
        samples = np.concatenate(list(found.blocks()))
    except DataError as error:
        refused = str(error)
    else:
        assert len(samples) == found.length > 0
        assert np.isfinite(samples).all()
        return
    assert refused.startswith("a.wav: ")
    assert "\n" not in refused
