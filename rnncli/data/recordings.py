"""Recordings as features: sound, steps of numbers and pictures as rows of numbers, each with the text that it says.

`read_recordings` reads all, `listed_in` and `recordings_of` one file after the other; `sounds.followed` sound as it
comes. What the first recording tells of all (their kind, the rate of their sound, the size of a step) is a `Layout`,
which a model file keeps, so that others are read alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from rnncli.config.recordings import FeatureConfig, RecordingsConfig
from rnncli.data.files import Paths
from rnncli.data.frames import moments, normalise
from rnncli.data.manifest import Listed, listed
from rnncli.data.sounds import SOUNDS, log_mel, read_sound
from rnncli.data.source import STDIN, Source
from rnncli.data.typed import typed
from rnncli.errors import DataError, amount
from rnncli.notes import note

Kind = Literal["log-mel", "numbers", "columns"]
_FORMS: dict[str, Kind] = dict.fromkeys(SOUNDS, "log-mel")  # of files with one recording, by the ending of their names
RECORDINGS = tuple(_FORMS)


@dataclass(frozen=True)
class Layout:
    """What a step of all recordings is: `size` numbers, of features of this kind.

    rate: samples a second of sound, None of other kinds. inputs: the columns of numbers that a table is read from.
    """

    kind: Kind
    size: int
    rate: int | None = None
    inputs: tuple[str, ...] = ()

    def to_header(self) -> dict[str, Any]:
        return asdict(self) | {"inputs": list(self.inputs)}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Layout:
        return typed(cls, header, "layout")

    def step_seconds(self, features: FeatureConfig) -> float | None:
        """How many seconds after a step the next one begins, None where steps are not those of sound."""
        return None if self.rate is None else log_mel(features, self.rate).hop * features.stack / self.rate


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording of that `name`: features (T, F) float32 of T ≥ 1 steps, and its text, None where it has none.

    where: its place for messages: of a list FILE:LINE. sha256: of the file that it was read from. layout: what its
    steps are. seconds: the duration of sound. resampled: whether it had another rate than that of the layout. other:
    further columns of the list that names it.
    """

    name: str
    where: str
    features: np.ndarray
    text: str | None
    sha256: str
    layout: Layout
    seconds: float | None = None
    resampled: bool = False
    other: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Recordings:
    """All recordings of a `path`, of one layout."""

    name: str
    layout: Layout
    items: list[Recording]

    @property
    def sha256(self) -> str:
        """The SHA-256 digest of the files, names and texts, in hexadecimal."""
        told = ("\0".join([one.name, one.sha256, str(one.text)]) for one in self.items)
        return hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).hexdigest()


def read_recordings(
    path: Paths, data: RecordingsConfig, like: Layout | None = None, *, labelled: bool = True
) -> Recordings:
    """Return all recordings that `path` stands for: a list of them, a folder, a pattern, or files; see `manifest`.

    like: how those were read that a model was trained on. labelled: whether each must have a text, which is else left
    out. Raises DataError naming the file, and the line of a list, and UsageError for a path that does not exist.
    """
    name = path if isinstance(path, str) else ", ".join(path[:3])
    items: list[Recording] = []
    for entry in listed_in(path, data, labelled=labelled):
        items += recordings_of(entry, data, items[0].layout if items and like is None else like, labelled=labelled)
    layout = items[0].layout
    if resampled := sum(one.resampled for one in items):
        note(f"{name}: resampled to {layout.rate:,} Hz: {resampled:,} of {amount(len(items), 'recording')}")
    return Recordings(name, layout, items)


def listed_in(path: Paths, data: RecordingsConfig, *, labelled: bool) -> list[Listed]:
    """Return the files that `read_recordings` reads, in order."""
    return listed(path, data, RECORDINGS, labelled=labelled)


def recordings_of(entry: Listed, data: RecordingsConfig, like: Layout | None, *, labelled: bool) -> Iterator[Recording]:
    """Yield the recordings in one file, in the layout `like` or, without it, in their own; errors are those of
    `read_recordings`."""
    source = entry.open()
    try:
        kind = _kind_of(source, data.features, like)
        sound = read_sound(source, data.features, like.rate if like else None)
    except DataError as error:
        raise entry.failed(error) from None
    layout = like or Layout(kind, sound.steps.shape[1], sound.rate)
    if data.features.normalise == "recording":
        normalise(sound.steps, *moments([sound.steps]))
    resampled = sound.rate != sound.recorded
    yield Recording(
        entry.name, entry.where, sound.steps, entry.text, source.sha256, layout, sound.seconds, resampled, entry.other
    )


def _kind_of(source: Source, features: FeatureConfig, like: Layout | None) -> Kind:
    """Return the kind of a file by its name; raise DataError for one that is of another kind than is wanted."""
    name = source.name.lower()
    kind = next((kind for ending, kind in _FORMS.items() if name.endswith(ending)), None)
    if kind is None and source.name == STDIN:
        kind = "log-mel"
    if kind is None:
        raise DataError(f"{source.name}: is no recording; those are files whose names end in {', '.join(_FORMS)}")
    wanted = like.kind if like else features.kind
    if wanted not in (None, kind):
        raise DataError(f"{source.name}: gives {kind}, and {wanted} is wanted; name other files")
    return kind
