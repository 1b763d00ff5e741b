"""compress and decompress: any bytes in fewer, by what a network and counts expect of each, and back.

A code is a file of its own: MAGIC, a version, the kind of code, the size and the digest of what was coded, the digest
of the model if one codes, the code, and a CRC-32 of all before it. What is damaged, cut off, of another model or of
another arithmetic never becomes wrong bytes.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnncli.data.source import Source
from rnncli.errors import DataError, ModelFileError, UsageError
from rnncli.tasks.language_model.compression import Codec, untrained
from rnncli.workflows.opening import open_model, require_understood

MAGIC, VERSION = b"rnnz", 1
ENDING = ".rnnz"
_STORED, _LEARNT, _OF_MODEL = range(3)  # bytes as they are; by a network that knew nothing; by the model of a run
_HEAD, _CRC = struct.Struct("<4sBBQ16s"), struct.Struct("<I")
_DIGEST = 16  # bytes of a SHA-256 that are kept
_MOST_PER_BYTE = 50_000  # bytes that one of a code can stand for: a bit costs 2^−16 at least

Tell = Callable[[str], None]


class _Coded(NamedTuple):
    kind: int
    size: int
    digest: bytes
    model: bytes  # the digest of the model, if one codes
    code: bytes


def compress(source: Source, run: str | None, threads: int | None, tell: Tell) -> bytes:
    """Return what `decompress` makes the bytes of `source` from, with the same `run` if one is given.

    `tell` shows the progress.
    """
    content = bytes(source.content)
    codec, model = _codec(run, threads)
    kind = _LEARNT if run is None else _OF_MODEL
    code = codec.encode(np.frombuffer(content, np.uint8), _percent(tell))
    if len(code) >= len(content):
        kind, model, code = _STORED, b"", content
    whole = _HEAD.pack(MAGIC, VERSION, kind, len(content), _digest(content)) + model + code
    return whole + _CRC.pack(zlib.crc32(whole))


def decompress(source: Source, run: str | None, threads: int | None, tell: Tell) -> bytes:
    """Return the bytes that `compress` read. DataError, ModelFileError and UsageError say why they cannot be had."""
    coded = _parsed(source)
    if coded.kind == _STORED:
        content = coded.code
    else:
        if coded.kind == _OF_MODEL and run is None:
            raise UsageError(
                f"{source.name}: was made by the model of a run, whose SHA-256 begins with {_named(coded.model)}; name "
                "the run by --run"
            )
        codec, model = _codec(run if coded.kind == _OF_MODEL else None, threads)
        if model != coded.model:
            raise ModelFileError(
                f"{run}: is not the model that made {source.name}: the SHA-256 of its file begins with "
                f"{_named(model)}, not {_named(coded.model)}; name that one by --run"
            )
        content = codec.decode(coded.code, coded.size, _percent(tell)).tobytes()
    if _digest(content) != coded.digest:
        raise ModelFileError(
            f"{source.name}: does not decode to what it was made of on this machine, whose arithmetic differs; "
            "decompress it where it was made"
        )
    return content


def _parsed(source: Source) -> _Coded:
    whole, name = bytes(source.content), source.name
    if not whole.startswith(MAGIC[: max(len(whole), 1)]):
        raise DataError(f"{name}: is no file that rnncli compress wrote; name one")
    if len(whole) > len(MAGIC) and whole[len(MAGIC)] > VERSION:
        raise ModelFileError(f"{name}: was written by a newer version of rnncli; update it")
    body, crc = whole[: -_CRC.size], whole[-_CRC.size :]
    if len(whole) < _HEAD.size + _CRC.size or _CRC.pack(zlib.crc32(body)) != crc:
        raise DataError(f"{name}: is damaged or cut off; restore a copy")
    _, _, kind, size, digest = _HEAD.unpack_from(body)
    split = _HEAD.size + (_DIGEST if kind == _OF_MODEL else 0)
    if kind not in (_STORED, _LEARNT, _OF_MODEL) or size > _MOST_PER_BYTE * (len(body) - split + 1):
        raise DataError(f"{name}: was not written by rnncli compress; name a file that was")
    return _Coded(kind, size, digest, body[_HEAD.size : split], body[split:])


def _codec(run: str | None, threads: int | None) -> tuple[Codec, bytes]:
    """Return what codes, and the digest of its model."""
    if run is None:
        return untrained(threads), b""
    model = open_model(run)
    try:
        require_understood("compress", model.task, {})
        codec = model.load().codec(threads)
    except UsageError as error:
        raise UsageError(f"--run {run}: {error}") from None
    return codec, _digest(model.path.read_bytes())


def _named(digest: bytes) -> str:
    return digest.hex()[:12]


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_DIGEST]


def _percent(tell: Tell) -> Callable[[float], None]:
    return lambda share: tell(f"{share:.0%}")
