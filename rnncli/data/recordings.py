"""Recordings as features: sound, steps of numbers and pictures as rows of numbers, each with the text that it says.

`read_recordings` reads all, `listed_in` and `recordings_of` one file after the other. What the first recording
tells of all (their kind, the rate of their sound, the size of a step) is a `Layout`, which a model file keeps, so that
others are read alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from rnncli.config.recordings import FeatureConfig, RecordingsConfig
from rnncli.data.files import Paths
from rnncli.data.frames import moments, normalise
from rnncli.data.kept_rows import KeptRows
from rnncli.data.manifest import Listed, in_one_line, listed, text_beside
from rnncli.data.pictures import PICTURES, read_picture
from rnncli.data.sounds import SOUNDS, as_steps, log_mel, read_sound
from rnncli.data.source import LARGE, STDIN, Source, is_table
from rnncli.data.step_files import Steps, read_archive_steps, read_array_steps, read_table_steps
from rnncli.data.typed import typed
from rnncli.errors import DataError, amount
from rnncli.memory import require_free
from rnncli.notes import note

Kind = Literal["log-mel", "numbers", "columns"]
ARRAYS, ARCHIVES = (".npy",), (".ts",)
RECORDINGS = (*SOUNDS, *ARRAYS, *PICTURES)  # endings of the names of files with one recording


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


def read_recordings(
    path: Paths,
    data: RecordingsConfig,
    like: Layout | None = None,
    *,
    labelled: bool = True,
    kept: KeptRows | None = None,
) -> Recordings:
    """Return all recordings that `path` stands for: a list of them, a folder, a pattern, or files; see `manifest`.

    like: how those were read that a model was trained on. labelled: whether each must have a text, which is else left
    out. kept: see `read_sound`. Raises DataError naming the file, and the line of a list, and UsageError for a path
    that does not exist.
    """
    name = path if isinstance(path, str) else ", ".join(path[:3])
    items: list[Recording] = []
    unlooked = 0  # bytes since the memory that is left was looked at
    for entry in listed_in(path, data, labelled=labelled):
        layout = items[0].layout if items and like is None else like
        for one in recordings_of(entry, data, layout, labelled=labelled, kept=kept):
            items.append(one)
            unlooked += one.features.nbytes
        if unlooked > LARGE:
            require_free(unlooked, name, "name fewer recordings, or set data.features.stack")
            unlooked = 0
    layout = items[0].layout
    if resampled := sum(one.resampled for one in items):
        note(f"{name}: resampled to {layout.rate:,} Hz: {resampled:,} of {amount(len(items), 'recording')}")
    return Recordings(name, layout, items)


def listed_in(path: Paths, data: RecordingsConfig, *, labelled: bool) -> list[Listed]:
    """Return the files that `read_recordings` reads, in order."""
    return listed(path, data, RECORDINGS, labelled=labelled)


def recordings_of(
    entry: Listed, data: RecordingsConfig, like: Layout | None, *, labelled: bool, kept: KeptRows | None = None
) -> Iterator[Recording]:
    """Yield the recordings in one file, in the layout `like` or, without it, in their own; errors are those of
    `read_recordings`."""
    source = entry.open()
    with entry.located():
        kind, form = _form_of(source.name, data.format)
        wanted = like.kind if like else data.features.kind
        if wanted not in (None, kind):
            raise DataError(f"{source.name}: gives {kind}, and {wanted} is wanted; name other files")
        if form == "sound":
            yield _sound(entry, source, data.features, like, kept)
        else:
            yield from _numbers(entry, source, form, data, like, labelled=labelled)


Form = Literal["sound", "picture", "array", "archive", "table"]


def _form_of(name: str, form: str | None) -> tuple[Kind, Form]:
    """Return the kind of features and the form of a file by its name, or by data.format; DataError for another one."""
    small = name.lower()
    if small.endswith(SOUNDS) or name == STDIN:
        return "log-mel", "sound"
    if small.endswith(PICTURES):
        return "columns", "picture"
    if small.endswith(ARRAYS):
        return "numbers", "array"
    if form == "ts" or (form is None and small.endswith(ARCHIVES)):
        return "numbers", "archive"
    if form == "csv" or (form is None and is_table(name)):
        return "numbers", "table"
    endings = ", ".join([*RECORDINGS, *ARCHIVES, ".csv", ".tsv"])
    raise DataError(f"{name}: is no recording; those are files whose names end in {endings}")


def _sound(
    entry: Listed, source: Source, features: FeatureConfig, like: Layout | None, kept: KeptRows | None
) -> Recording:
    sound = read_sound(source, features, like.rate if like else None, kept)
    layout = like or Layout("log-mel", sound.steps.shape[1], sound.rate)
    one = _recording(entry, source, sound.steps, layout, features)
    return replace(one, seconds=sound.seconds, resampled=sound.rate != sound.recorded)


def _numbers(
    entry: Listed, source: Source, form: Form, data: RecordingsConfig, like: Layout | None, *, labelled: bool
) -> Iterator[Recording]:
    """Yield the recordings in a file of numbers or in a picture; text: that of the file, else that of `entry`."""
    names: tuple[str, ...] = ()
    if form == "table":
        found, names = read_table_steps(source, data, like.inputs if like else (), labelled=labelled)
    elif form == "archive":
        found, names = read_archive_steps(source, data)
    else:
        values = read_picture(source, data.features.bands) if form == "picture" else read_array_steps(source).values
        found = [Steps("", source.name, values)]
    if entry.in_list and len(found) > 1:
        raise DataError(f"{source.name}: has {len(found):,} recordings, and a list names files of one each")
    kind: Kind = "columns" if form == "picture" else "numbers"
    for one in found:
        steps = np.concatenate(list(as_steps([one.values.astype(np.float32)], data.features)))
        layout = like or Layout(kind, steps.shape[1], None, names)
        if steps.shape[1] != layout.size:
            raise DataError(
                f"{one.where}: a step has {one.values.shape[1]:,} values, and makes {steps.shape[1]:,} features where "
                f"{layout.size:,} are wanted; name recordings with the same columns"
            )
        made = _recording(entry, source, steps, layout, data.features)
        if not entry.in_list:
            made = replace(made, name=one.name or entry.name, where=one.where)
        text = made.text if made.text is not None or one.text is None else in_one_line(one.text)
        if text is None and labelled:
            text = _text_of(entry, data, many=len(found) > 1)
        yield replace(made, text=text)


def _text_of(entry: Listed, data: RecordingsConfig, *, many: bool) -> str:
    """Return the text beside a file whose recording has none in it; raise DataError where it has several."""
    if many:
        raise DataError(
            f"{entry.path}: nothing tells what its recordings say; name the column with data.text, or a table of ids "
            "and texts with data.transcripts"
        )
    return text_beside(entry.path, data)


def _recording(entry: Listed, source: Source, steps: np.ndarray, layout: Layout, features: FeatureConfig) -> Recording:
    """Return a recording of these steps, which are normalised in their place if each is by its own."""
    if features.normalise == "recording":
        normalise(steps, *moments([steps]))
    return Recording(entry.name, entry.where, steps, entry.text, source.sha256, layout, other=entry.other)
