"""The recordings of some data with their transcripts, and the scaling of their features."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncli.config.recordings import FeatureConfig
from rnncli.data.files import Files, Paths, files_of
from rnncli.data.frames import moments
from rnncli.data.kept_rows import KeptRows
from rnncli.data.manifest import Listed, file_beside, text_if_beside
from rnncli.data.recordings import Layout, Recording, listed_in, read_recordings, recordings_of
from rnncli.data.source import Source, read_source
from rnncli.data.typed import array
from rnncli.errors import DataError, UsageError
from rnncli.tasks.transcribe.config import TranscriptsConfig

LARGEST = 1e4  # of scaled features: their products with weights stay far from the end of float32


class RecordingFiles(Files):
    """The files of recordings, or a list of them, which names them; see `Files`. They are read when they are needed."""

    def __init__(self, path: Paths, data: TranscriptsConfig):
        if "-" in ([path] if isinstance(path, str) else path):
            raise UsageError("recordings to learn from are read several times; name a file or a folder, not a pipe")
        super().__init__(path if isinstance(path, str) else ", ".join(path), (), path)
        self._data, self._listed = data, listed_in(path, data, labelled=False)

    @property
    def files(self) -> tuple[Source, ...]:
        assert self.path is not None
        return tuple(map(read_source, files_of(self.path)))

    @property
    def named(self) -> tuple[Source, ...]:
        """The recordings in a list, and the files with their texts."""
        assert self.path is not None
        named = [one.path for one in self._listed]
        named += [beside for path in named if os.path.exists(beside := file_beside(path))]
        own = {*files_of(self.path)}
        return tuple(read_source(file) for file in dict.fromkeys(named) if file not in own)

    @property
    def size(self) -> int:
        return sum(one.open().size for one in self._listed)

    @property
    def sha256(self) -> str:
        """The SHA-256 digest of all texts and contents, in hexadecimal, wherever the files are."""
        if self._sha256 is None:
            texts = (text_if_beside(one.path, self._data) if one.text is None else one.text for one in self._listed)
            told = (f"{one.open().sha256} {text}" for one, text in zip(self._listed, texts, strict=True))
            self._sha256 = hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).hexdigest()
        return self._sha256

    def pieces(self) -> Iterator[bytes]:
        return (piece for one in self._listed for piece in one.open().pieces())


@dataclass(frozen=True)
class Held(Listed):
    """Recordings in a table of steps that a program gave, which is in no file."""

    content: Source | None = None

    def open(self) -> Source:
        assert self.content is not None
        return self.content


def entries_of(given: Paths | Source, data: TranscriptsConfig) -> list[Listed]:
    """Return the files that are to be transcribed, or the data that a program gave in place of one."""
    path = given.path if isinstance(given, Source) else given
    if path is not None:
        return listed_in(path, data, labelled=False)
    assert isinstance(given, Source)
    return [Held(given.name, given.name, given.name, content=given)]


@dataclass(frozen=True)
class Transcribed:
    """Recordings of the data `name` with a transcript each, all of one layout."""

    name: str
    layout: Layout
    items: Sequence[Recording]

    def __len__(self) -> int:
        return len(self.items)

    def where(self, i: int) -> str:
        return self.items[i].where

    @property
    def texts(self) -> list[str]:
        return [str(one.text) for one in self.items]

    @property
    def features(self) -> list[np.ndarray]:
        return [one.features for one in self.items]

    def inputs(self) -> list[bytes]:
        """Return what each transcript is predicted from, equal for recordings that are copies of each other."""
        return [hashlib.sha256(one.features.tobytes()).digest() for one in self.items]

    def told(self) -> str:
        """Return how many recordings there are, and of how many steps and features."""
        steps = [len(one.features) for one in self.items]
        return f"{len(self):,} recordings of {min(steps):,} to {max(steps):,} steps of {self.layout.size} features"

    @classmethod
    def read(
        cls, source: Source, data: TranscriptsConfig, like: Layout | None = None, kept: KeptRows | None = None
    ) -> Transcribed:
        """Return the recordings in `source`, in the layout `like` if it is given; kept: see `read_sound`."""
        if source.path is None:
            (entry,) = entries_of(source, data)
            items = list(recordings_of(entry, data, like, labelled=True))
            return cls(source.name, items[0].layout, items)
        found = read_recordings(source.path, data, like, kept=kept)
        return cls(found.name, found.layout, found.items)


def only(them: Transcribed, chosen: Sequence[int]) -> Transcribed:
    """Return the chosen ones of some recordings."""
    return replace(them, items=[them.items[i] for i in chosen])


class Scaler:
    """Scales the features of a step by `centre` and `scale` (F,) float32."""

    def __init__(self, centre: np.ndarray, scale: np.ndarray):
        self.centre, self.scale = centre, scale
        self._leaves_all = bool((centre == 0).all() and (scale == 1).all())

    @classmethod
    def of(cls, train: Transcribed, features: FeatureConfig) -> Scaler:
        """Return the scaler for recordings like those of a training split, which makes nothing of those that are
        normalised already, or never."""
        if features.normalise == "training":
            return cls(*moments(train.features))
        return cls(np.zeros(train.layout.size, np.float32), np.ones(train.layout.size, np.float32))

    def scaled(self, one: Recording) -> np.ndarray:
        """Return scaled features (n, F) float32; raise DataError naming a recording that has too large ones."""
        return self.of_steps(one.features, one.where)

    def of_steps(self, features: np.ndarray, where: str) -> np.ndarray:
        """Return the features (n, F) of some steps as `scaled` does."""
        values = features if self._leaves_all else np.asarray((features - self.centre) / self.scale, np.float32)
        largest = np.abs([values.min(), values.max()]).max()  # without a copy: there may be an hour of them
        if not largest <= LARGEST:
            raise DataError(f"{where}: features up to {largest:.3g} times as large as usual; mend it")
        return values

    def each(self, them: Transcribed) -> list[np.ndarray]:
        return [self.scaled(one) for one in them.items]

    def to_header(self) -> dict[str, Any]:
        return {"centre": self.centre.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_header(cls, header: Mapping[str, Any], size: int) -> Scaler:
        """Return the scaler for `size` features in the header of a model file; ValueError if it is none."""
        centre, scale = array(header["centre"], "centre", size), array(header["scale"], "scale", size, above=0)
        with np.errstate(all="ignore"):
            kept = cls(centre.astype(np.float32), scale.astype(np.float32))
        if not (np.isfinite(kept.centre) & np.isfinite(kept.scale) & (kept.scale > 0)).all():
            raise ValueError("its centre and scale are beyond those of features")
        return kept
