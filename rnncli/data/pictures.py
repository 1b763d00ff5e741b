"""Grey pictures as steps: their columns from left to right, of lines of text for example.

PNG (8 bits of grey, RGB or a palette, not interlaced) and PGM (P2 and P5) are read. A colour counts as its luma,
0.299 R + 0.587 G + 0.114 B (ITU-R BT.601); white is 1. A picture is scaled to a number of rows by means over the area
that each new pixel covers, and its width by the same ratio, so that letters keep their shape.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator

import numpy as np

from rnncli.data.source import Source
from rnncli.errors import DataError, shown
from rnncli.memory import require_free

PICTURES = (".png", ".pgm")
_PNG = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1}  # of the kinds of PNG that are read: grey, RGB, palette
_OTHERS = {4: "grey with transparency", 6: "RGB with transparency"}
_LUMA = np.array([299, 587, 114])  # thousandths, so that sums are exact
_MEND = "save it as a PNG of 8-bit grey, not interlaced, or as a PGM"
_PGM = re.compile(rb"P([25])" + 3 * rb"(?:\s|#[^\n\r]*[\n\r])+([0-9]{1,9})" + rb"\s")
_EACH = 32  # bytes of memory for a pixel, while it is read or scaled


def read_picture(source: Source, rows: int) -> np.ndarray:
    """Return the columns (T, rows) float64 of a picture, scaled to so many rows.

    Raises DataError for a kind that is not read, for damage, and for a picture all of one grey.
    """
    content, name = source.content, source.name
    if content.startswith(_PNG):
        pixels = _png(name, content)
    elif content[:2] in (b"P2", b"P5"):
        pixels = _pgm(name, content)
    elif not content:
        raise DataError(f"{name}: is empty; save it again, or leave it out")
    else:
        begins = shown(content[:8].decode("latin-1"))
        raise DataError(f"{name}: is neither PNG nor PGM, as it begins with {begins}; {_MEND}")
    if pixels.min() == pixels.max():
        raise DataError(f"{name}: is blank: all of its pixels are equal; leave it out")
    height, width = pixels.shape
    columns = max(1, round(width * rows / height))
    require_free(_EACH * rows * columns, name, "scale it to fewer rows with data.features.bands")
    return _scaled(_scaled(pixels, rows), columns, axis=1).T


def _scaled(pixels: np.ndarray, size: int, axis: int = 0) -> np.ndarray:
    """Return pixels with `size` rows (or columns, for axis 1), each the mean of what it covers."""
    sums = np.concatenate([np.zeros_like(pixels.take([0], axis)), np.cumsum(pixels, axis=axis)], axis=axis)
    edges = np.arange(size + 1) * (pixels.shape[axis] / size)
    below = np.minimum(edges.astype(int), pixels.shape[axis] - 1)
    shape = (-1, 1) if axis == 0 else (1, -1)
    at_edges = sums.take(below, axis) + (edges - below).reshape(shape) * pixels.take(below, axis)
    return np.diff(at_edges, axis=axis) * (size / pixels.shape[axis])


def _png(name: str, content: bytes) -> np.ndarray:
    """Return the pixels (H, W) float64 from 0 to 1 of a PNG."""
    head, palette, packed = b"", b"", []
    for kind, body in _chunks(name, content):
        if kind == b"IHDR":
            head = body
        elif kind == b"PLTE":
            palette = body
        elif kind == b"IDAT":
            packed.append(body)
        elif kind[:1].isupper() and kind != b"IEND":
            raise DataError(f"{name}: has a part {shown(kind.decode('latin-1'))} that must be known; {_MEND}")
    if len(head) != 13:
        raise DataError(f"{name}: is damaged: it has no header of 13 bytes; {_MEND}")
    width, height = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    bits, colour, *methods = head[8:]
    if colour in _OTHERS or colour not in _CHANNELS or bits != 8:
        raise DataError(f"{name}: is {_OTHERS.get(colour, 'a picture')} of {bits} bits; {_MEND}")
    if methods != [0, 0, 0]:
        raise DataError(f"{name}: is {'interlaced' if methods == [0, 0, 1] else 'coded in an unknown way'}; {_MEND}")
    _require_size(name, width, height)
    each = _CHANNELS[colour]
    raw = _unpacked(name, b"".join(packed), height * (1 + width * each))
    values = _unfiltered(name, np.frombuffer(raw, np.uint8).reshape(height, -1), each)
    if colour == 3:
        colours = np.frombuffer(palette[: len(palette) // 3 * 3], np.uint8).reshape(-1, 3)
        if not len(colours) or values.max() >= len(colours):
            raise DataError(f"{name}: is damaged: a pixel has a colour that its palette lacks; {_MEND}")
        return np.asarray(_grey(colours)[values])
    if colour == 2:
        return _grey(values.reshape(height, width, 3))
    return values / 255


def _grey(colours: np.ndarray) -> np.ndarray:
    """Return the luma (...) float64 from 0 to 1 of colours (..., 3) from 0 to 255."""
    return np.asarray((colours * _LUMA).sum(axis=-1) / 255_000)


def _chunks(name: str, content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the content of each chunk of a PNG to its last; DataError if it is cut off or damaged."""
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        size, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        body, check = content[at + 8 : at + 8 + size], content[at + 8 + size : at + 12 + size]
        if len(check) < 4:
            raise DataError(f"{name}: is truncated; copy or save it again")
        if zlib.crc32(kind + body) != int.from_bytes(check, "big"):
            raise DataError(
                f"{name}: is damaged: the checksum of {shown(kind.decode('latin-1'))} is wrong; copy it again"
            )
        yield kind, body
        at += 12 + size


def _require_size(name: str, width: int, height: int) -> None:
    """Raise DataError for a picture without pixels, MachineError for one that memory has no room for."""
    if not width or not height:
        raise DataError(f"{name}: is damaged: {width:,} by {height:,} pixels; save it again")
    require_free(_EACH * width * height, name, "cut it into smaller pictures")


def _unpacked(name: str, packed: bytes, size: int) -> bytes:
    """Return the `size` bytes in a zlib stream; raise DataError if there are fewer."""
    try:
        raw = zlib.decompressobj().decompress(packed, size)
    except zlib.error:
        raise DataError(f"{name}: is damaged: its pixels cannot be unpacked; copy or save it again") from None
    if len(raw) < size:
        raise DataError(f"{name}: is truncated: {len(raw):,} of {size:,} bytes of pixels; copy or save it again")
    return raw


def _unfiltered(name: str, lines: np.ndarray, each: int) -> np.ndarray:
    """Return the bytes (H, W · each) of a PNG's pixels from its lines (H, 1 + W · each), which begin with the number of
    their filter: what was subtracted, of the bytes to the left, above, and above to the left (PNG, section 9)."""
    made = np.zeros((len(lines) + 1, lines.shape[1] - 1), np.uint8)
    for y, (kind, line) in enumerate(zip(lines[:, 0].tolist(), lines[:, 1:], strict=True)):
        above = made[y]
        if kind == 0:
            made[y + 1] = line
        elif kind == 1:
            made[y + 1] = np.add.accumulate(line.reshape(-1, each), axis=0, dtype=np.uint8).ravel()
        elif kind == 2:
            made[y + 1] = line + above
        elif kind in (3, 4):
            made[y + 1] = _one_by_one(line.tolist(), above.tolist(), each, _mean if kind == 3 else _paeth)
        else:
            raise DataError(f"{name}: is damaged: row {y + 1} has the filter {kind}; copy or save it again")
    return made[1:]


def _one_by_one(line: list[int], above: list[int], each: int, guess: Callable[[int, int, int], int]) -> list[int]:
    """Return the bytes of a line whose filter needs each byte before the next."""
    left, corner = [0] * each + line, [0] * each + above
    for x, (value, b) in enumerate(zip(line, above, strict=True)):
        left[x + each] = (value + guess(left[x], b, corner[x])) & 255
    return left[each:]


def _mean(a: int, b: int, c: int) -> int:
    return (a + b) >> 1


def _paeth(a: int, b: int, c: int) -> int:
    """Return which of left, above and corner is nearest to a + b − c."""
    to_a, to_b, to_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    if to_a <= to_b and to_a <= to_c:
        return a
    return b if to_b <= to_c else c


def _pgm(name: str, content: bytes) -> np.ndarray:
    """Return the pixels (H, W) float64 from 0 to 1 of a PGM."""
    head = _PGM.match(content)
    if head is None:
        raise DataError(f"{name}: is damaged: its header is not that of a PGM; {_MEND}")
    kind, width, height, largest = map(int, head.groups())
    if not 1 <= largest <= 65535:
        raise DataError(f"{name}: is damaged: its white is {largest:,}, and 65,535 is the most; {_MEND}")
    _require_size(name, width, height)
    body, count = content[head.end() :], width * height
    if kind == 2:
        words = re.sub(rb"#[^\n\r]*", b"", body).split()
        if not all(map(bytes.isdigit, words)) or max(map(len, words), default=0) > 9:
            raise DataError(f"{name}: is damaged: a pixel is no number; {_MEND}")
        values = np.array(words[:count], dtype=np.float64)
    else:
        code = "u1" if largest < 256 else ">u2"
        values = np.frombuffer(body[: len(body) // int(code[-1]) * int(code[-1])], code)[:count].astype(np.float64)
    if len(values) < count:
        raise DataError(f"{name}: is truncated: {len(values):,} of {count:,} pixels; copy or save it again")
    if values.max() > largest:
        raise DataError(f"{name}: is damaged: a pixel is brighter than its white, {largest:,}; {_MEND}")
    return values.reshape(height, width) / largest
