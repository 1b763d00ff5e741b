"""Grey pictures: every filter and kind of PNG, PGM, scaling by area, and what is said of bad ones."""

from __future__ import annotations

import itertools
import struct
import zlib

import numpy as np
import pytest

from rnncli.config.recordings import RecordingsConfig
from rnncli.data.pictures import read_picture
from rnncli.data.recordings import read_recordings
from rnncli.data.source import Source
from rnncli.errors import DataError, MachineError

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (7, 11), np.uint8)
RGB = RANDOM.integers(0, 256, (7, 11, 3), np.uint8)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def guess(kind, a, b, c):
    """What a filter takes a byte to be, by the words of the standard."""
    if kind == 4:
        p = a + b - c
        return min((a, b, c), key=lambda one: abs(p - one))
    return (0, a, b, (a + b) // 2)[kind]


def filtered(pixels, each, kinds):
    """The lines of a PNG whose row y has the filter kinds[y % len(kinds)]."""
    flat = pixels.reshape(len(pixels), -1).astype(int)
    lines = []
    for y, row in enumerate(flat):
        kind, above = kinds[y % len(kinds)], flat[y - 1] if y else [0] * len(row)
        line = [kind]
        for x, value in enumerate(row):
            a, c = (row[x - each], above[x - each]) if x >= each else (0, 0)
            line.append((value - guess(kind, a, above[x], c)) % 256)
        lines.append(bytes(line))
    return b"".join(lines)


def png(pixels, colour=0, kinds=(0,), bits=8, interlaced=0, extra=b"", pieces=1):
    each = {0: 1, 2: 3, 3: 1}.get(colour, 4)
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, colour, 0, 0, interlaced)
    packed = zlib.compress(filtered(pixels, each, kinds))
    cuts = [len(packed) * i // pieces for i in range(pieces + 1)]
    data = b"".join(chunk(b"IDAT", packed[a:b]) for a, b in itertools.pairwise(cuts))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + data + chunk(b"IEND", b"")


def read(content, rows=7, name="a.png"):
    return read_picture(Source(name, content), rows)


@pytest.mark.parametrize("kinds", [(0,), (1,), (2,), (3,), (4,), (4, 1, 3, 2, 0)])
def test_every_filter(kinds):
    assert read(png(GREY, kinds=kinds)) == pytest.approx(GREY.T / 255)
    luma = RGB @ [0.299, 0.587, 0.114] / 255
    assert read(png(RGB, 2, kinds, pieces=3)) == pytest.approx(luma.T)


def test_a_palette():
    colours = RANDOM.integers(0, 256, (256, 3), np.uint8)
    found = read(png(GREY, 3, (1, 4), extra=chunk(b"PLTE", colours.tobytes()) + chunk(b"tRNS", b"\0")))
    assert found == pytest.approx((colours[GREY] @ [0.299, 0.587, 0.114]).T / 255)


@pytest.mark.parametrize(
    "content",
    [
        b"P5 3 2 255\n" + bytes([0, 51, 102, 153, 204, 255]),
        b"P5\n# made by hand\n3 2\n#\n255\n" + bytes([0, 51, 102, 153, 204, 255]),
        b"P5 3 2 65535\n" + struct.pack(">6H", *(257 * v for v in (0, 51, 102, 153, 204, 255))),
        b"P2\n3 2\n5\n0 1 2 # first row\n3 4\n5\n",
    ],
)
def test_pgm(content):
    assert read(content, 2) == pytest.approx(np.array([[0, 0.6], [0.2, 0.8], [0.4, 1]]))


def test_a_picture_is_scaled_by_means_over_areas():
    pixels = np.array([[0, 0, 90, 90], [0, 0, 90, 90], [30, 30, 60, 60], [30, 30, 60, 60]], np.uint8)
    assert read(png(pixels), 2) * 255 == pytest.approx(np.array([[0, 30], [90, 60]]))
    assert read(png(pixels), 1) * 255 == pytest.approx(np.array([[45]]))
    three = read(png(pixels), 3) * 255  # each covers 4/3 pixels
    assert three == pytest.approx(np.array([[0, 15, 30], [45, 45, 45], [90, 75, 60]]))
    assert read(png(pixels), 8) * 255 == pytest.approx(np.repeat(np.repeat(pixels, 2, 0), 2, 1).T)


def test_columns_are_steps_and_letters_keep_their_shape(tmp_path):
    (tmp_path / "a.png").write_bytes(png(np.repeat(GREY, 10, axis=0)))  # 70 by 11
    (tmp_path / "a.txt").write_text("word")
    (tmp_path / "b.pgm").write_bytes(b"P5 35 7 255\n" + RANDOM.bytes(245))
    (tmp_path / "b.txt").write_text("two words")
    data = RecordingsConfig.model_validate({"features": {"bands": 14}})
    found = read_recordings(str(tmp_path), data)
    assert found.layout.kind == "columns"
    assert [(one.text, one.features.shape) for one in found.items] == [("word", (2, 14)), ("two words", (70, 14))]


def damaged(lines, size=(11, 7)):
    head = struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


GOOD = png(GREY)
PALETTE = chunk(b"PLTE", bytes(30))
MEND = "save it as a PNG of 8-bit grey, not interlaced, or as a PGM"
BAD = {
    b"": "is empty; save it again, or leave it out",
    b"\xff\xd8\xff\xe0 JFIF": f'is neither PNG nor PGM, as it begins with "ÿØÿà JFI"; {MEND}',
    GOOD[:50]: "is truncated; copy or save it again",
    GOOD[:-1]: "is truncated; copy or save it again",
    GOOD[:41] + bytes([GOOD[41] ^ 1]) + GOOD[42:]: 'is damaged: the checksum of "IDAT" is wrong; copy it again',
    png(GREY, bits=16): f"is a picture of 16 bits; {MEND}",
    png(GREY, bits=1): "is a picture of 1 bits",
    png(RANDOM.integers(0, 256, (2, 2, 4), np.uint8), 6): "is RGB with transparency of 8 bits",
    png(GREY, interlaced=1): f"is interlaced; {MEND}",
    png(GREY, interlaced=2): "is coded in an unknown way",
    png(GREY, extra=chunk(b"CgBI", b"")): 'has a part "CgBI" that must be known',
    png(GREY, 3): "is damaged: a pixel has a colour that its palette lacks",
    png(GREY, 3, extra=PALETTE): "is damaged: a pixel has a colour that its palette lacks",
    GOOD.replace(b"IHDR", b"IHDr"): 'is damaged: the checksum of "IHDr"',
    damaged(b"", (11, 0)): "is damaged: 11 by 0 pixels; save it again",
    png(np.full((3, 3), 7, np.uint8)): "is blank: all of its pixels are equal; leave it out",
    b"P6 1 1 255\n123": "is neither PNG nor PGM",
    b"P5 3 x": f"is damaged: its header is not that of a PGM; {MEND}",
    b"P5 3 2 255\n12345": "is truncated: 5 of 6 pixels; copy or save it again",
    b"P2 3 1 255\n1 2": "is truncated: 2 of 3 pixels",
    b"P2 3 1 255\n1 2 x": "is damaged: a pixel is no number",
    b"P2 3 1 5\n1 2 6": "is damaged: a pixel is brighter than its white, 5",
    b"P5 3 1 70000\n123": "is damaged: its white is 70,000, and 65,535 is the most",
}


@pytest.mark.parametrize(("content", "message"), BAD.items(), ids=range(len(BAD)))
def test_what_is_said_of_bad_pictures(content, message):
    with pytest.raises(DataError) as error:
        read(content)
    assert str(error.value).startswith(f"a.png: {message}")


def test_damage_within_the_pixels():
    lines = filtered(GREY, 1, (0,))
    with pytest.raises(DataError, match="row 2 has the filter 9"):
        read(damaged(zlib.compress(lines[:12] + b"\x09" + lines[13:])))
    with pytest.raises(DataError, match="is truncated: 60 of 84 bytes of pixels"):
        read(damaged(zlib.compress(lines[:60])))
    with pytest.raises(DataError, match="its pixels cannot be unpacked"):
        read(damaged(b"no zlib stream"))
    assert read(damaged(zlib.compress(lines + bytes(10**6)))) == pytest.approx(GREY.T / 255)  # no more is unpacked


@pytest.mark.thorough
def test_what_memory_has_no_room_for_is_refused_before():
    with pytest.raises(MachineError, match="cut it into smaller pictures"):
        read(damaged(zlib.compress(b"1"), (2**31 - 1, 2**31 - 1)))
    with pytest.raises(MachineError, match=r"scale it to fewer rows with data\.features\.bands"):
        read(b"P5 99999999 1 255\n" + bytes(99999998) + b"1", 256)
