"""The features that networks read beside the values of series: covariates and the calendar, fitted to training rows.

numbers    standardised
words      one-hot
calendar   the place of a row in the hour, the day, the week and the year, and holidays; see `calendar_features`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from rnncli.data.numeric import never_flat, whole_series
from rnncli.data.typed import array, typed
from rnncli.errors import ConfigError, DataError, shown
from rnncli.notes import doubt
from rnncli.tasks.forecast.calendar_features import calendar_features, holiday_features
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.padding import steadied
from rnncli.tasks.forecast.panel import Panel
from rnncli.tasks.forecast.splits import Divided
from rnncli.tasks.forecast.windows import TRANSFORMS, Features, Windowing, fitted_power, require_transformable

_MOST_WORDS = 64  # of one column, the commonest
_FLAT = 1e-12  # a spread below this share of the largest number is rounding, not variation


@dataclass(frozen=True)
class Encoding:
    """The encoding of one column: `words`, its commonest in training, or the centre and scale of its numbers."""

    name: str
    words: tuple[str, ...] = ()
    centre: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, name: str, column: np.ndarray) -> Encoding:
        """Fit the encoding to the training rows (N,) of a column."""
        if column.dtype.kind == "U":
            words, counts = np.unique(column, return_counts=True)
            kept = words[np.argsort(-counts, kind="stable")[:_MOST_WORDS]]
            return cls(name, tuple(sorted(kept.tolist())))
        spread = float(column.std())
        flat = spread <= _FLAT * float(np.abs(column).max())
        return cls(name, (), float(column.mean()), 1.0 if flat else spread)

    @property
    def size(self) -> int:
        return len(self.words) or 1

    def encode(self, column: np.ndarray) -> np.ndarray:
        """Return the features (N, size) of a column (N,); a word that is not in `words` is all zeros."""
        if self.words:
            return (column[:, None] == np.array(self.words)[None]).astype(np.float64)
        return ((column - self.centre) / self.scale)[:, None]


class Encodings(tuple[Encoding, ...]):
    """The encodings of several columns, whose features stand side by side."""

    __slots__ = ()

    @classmethod
    def fit(cls, columns: Mapping[str, np.ndarray], rows: np.ndarray) -> Encodings:
        """Fit an encoding to these rows of each of `columns`."""
        return cls(Encoding.fit(name, column[rows]) for name, column in columns.items())

    @property
    def size(self) -> int:
        return sum(one.size for one in self)

    def encode(self, columns: Mapping[str, np.ndarray], count: int) -> np.ndarray:
        """Return the features (count, size) of all columns."""
        return np.concatenate([np.zeros((count, 0)), *(one.encode(columns[one.name]) for one in self)], axis=1)

    def to_header(self) -> list[dict[str, Any]]:
        """Return the encodings as JSON for a model file."""
        return [asdict(one) for one in self]

    @classmethod
    def from_header(cls, header: Sequence[Mapping[str, Any]]) -> Encodings:
        """The inverse of `to_header`."""
        found = cls(typed(list[Encoding], header, "encoders"))
        if not all(one.scale > 0 for one in found):
            raise ValueError("its encoders have no scale")
        return found


@dataclass(frozen=True)
class Encoders:
    """The encodings of the columns beside the targets. calendar: True if the time column gives features too; holidays:
    the places whose holidays do."""

    past: Encodings
    known_covariates: Encodings
    static: Encodings
    calendar: bool
    holidays: tuple[str, ...] = ()

    @classmethod
    def fit(cls, panel: Panel, rows: np.ndarray, calendar: bool, holidays: Sequence[str] = ()) -> Encoders:
        """Fit the encodings to these training rows of the panel, those of static columns to all series."""
        everyone = np.arange(len(panel.ids))
        return cls(
            Encodings.fit(panel.past, rows),
            Encodings.fit(panel.known_covariates, rows),
            Encodings.fit(panel.static, everyone),
            calendar,
            tuple(holidays),
        )

    def sizes(self, panel: Panel) -> dict[str, int]:
        """Return the number of features of each kind."""
        calendar = self._calendar(panel, 0, 1, 0).shape[1]
        return {
            "past": self.past.size,
            "known_covariates": self.known_covariates.size + calendar,
            "static": self.static.size,
        }

    def features(self, panel: Panel) -> Features:
        R = len(panel.values)
        calendar = [self._calendar(panel, s, int(length), 0) for s, length in enumerate(panel.lengths)]
        return Features(
            panel.values,
            panel.known,
            self.past.encode(panel.past, R),
            np.concatenate([self.known_covariates.encode(panel.known_covariates, R), np.concatenate(calendar)], axis=1),
            self.static.encode(panel.static, len(panel.ids)),
            np.repeat(np.arange(len(panel.ids)), panel.lengths),
        )

    def note_unseen(self, panel: Panel, name: str, line_of: Callable[[str, str], int]) -> None:
        """Write a note for each column of words that has some which training never saw; `name` is the file's, and
        `line_of` tells the first line on which a column has a word."""
        for encodings, columns in (
            (self.past, [panel.past]),
            (self.known_covariates, [panel.known_covariates, *panel.coming]),
            (self.static, [panel.static]),
        ):
            for one in encodings:
                found = [column[one.name].astype(str) for column in columns if one.name in column]
                cells = np.concatenate(found) if found else np.zeros(0, str)
                unseen = cells[~np.isin(cells, one.words)] if one.words else cells[:0]
                if unseen.size:
                    word = str(unseen[0])
                    doubt(
                        f"{name}:{line_of(one.name, word)}: {unseen.size:,} cells of the column {shown(one.name)} hold "
                        f"words that training never saw, {shown(word)} the first; they are read as none of the words "
                        "that it knows"
                    )

    def after(self, panel: Panel, s: int, needed: int, count: int) -> np.ndarray:
        """Return the features (count, K) of the rows after the end of series s.

        DataError names the rows that are missing among the first `needed`; later ones repeat the last known row.
        """
        columns = panel.coming[s] if self.known_covariates else {}
        there = min((len(column) for column in columns.values()), default=count)
        if there < needed:
            which = f" of the series {shown(panel.ids[s])}" if panel.ids[s] else ""
            names = ", ".join(shown(name) for name, column in columns.items() if len(column) < needed)
            if panel.timelines:
                first, last = (panel.timelines[s].stamp(k) for k in (there + 1, needed))
            else:
                first, last = (f"row {k} after its end" for k in (there + 1, needed))
            missing = f"{first} is" if first == last else f"{first} to {last} are"
            mend = (
                "give them to predict by --future FILE or in rows of DATA without a target, or train with data.future"
            )
            of_all = min(len(column) for coming in panel.coming for column in coming.values())
            fewer = f", or pass --horizon {of_all}" if of_all else ""
            raise DataError(f"the known covariates {names}{which} end too early: {missing} missing; {mend}{fewer}")
        known = {name: column[np.minimum(np.arange(count), there - 1)] for name, column in columns.items()}
        encoded = self.known_covariates.encode(known, count)
        return np.concatenate([encoded, self._calendar(panel, s, 1, count)[1:]], axis=1)

    def _calendar(self, panel: Panel, s: int, count: int, horizon: int) -> np.ndarray:
        made = [np.zeros((count + horizon, 0))]
        if self.calendar and panel.timelines:
            made.append(calendar_features(panel.timelines[s], count, horizon)[1])
        if self.holidays and panel.timelines:
            made.append(holiday_features(panel.timelines[s], count, horizon, self.holidays))
        return np.concatenate(made, axis=1)

    def to_header(self) -> dict[str, Any]:
        """Return the encodings as JSON for a model file."""
        return {
            "past": self.past.to_header(),
            "ahead": self.known_covariates.to_header(),
            "static": self.static.to_header(),
            "calendar": self.calendar,
            **({"holidays": list(self.holidays)} if self.holidays else {}),  # which 0.1 had not
        }

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Encoders:
        """The inverse of `to_header`."""
        past, known, static = (Encodings.from_header(header[name]) for name in ("past", "ahead", "static"))
        calendar = typed(bool, header["calendar"], "calendar")
        return cls(past, known, static, calendar, typed(tuple[str, ...], header.get("holidays", ()), "holidays"))


def last_contexts(panel: Panel, encoders: Encoders, windowing: Windowing, wanted: int) -> Features:
    """Return the contexts from which the `wanted` rows after the end of every series are forecast; their known
    covariates cover whole horizons.
    """
    count = -(-wanted // windowing.horizon) * windowing.horizon
    features = encoders.features(panel)
    contexts = windowing.contexts(features, panel.starts[1:])
    after = np.stack([encoders.after(panel, s, wanted, count) for s in range(len(panel.ids))], axis=1)
    return replace(contexts, known_covariates=np.concatenate([contexts.known_covariates[: windowing.context], after]))


@dataclass(frozen=True)
class Fitted:
    """Values from training rows: fixed (centre, scale), each (S, C), of whole series; a Box-Cox power; encoders."""

    fixed: tuple[np.ndarray, np.ndarray]
    power: float
    encoders: Encoders

    @classmethod
    def to(cls, splits: Divided, data: SeriesConfig, name: str, learnt: Mapping[str, Any] | None = None) -> Fitted:
        """Fit scales and encodings to the training rows of `splits`; `name` is the file that they came from.

        learnt: the header of a model, whose power and encodings are taken in place of new ones.
        """
        kept = cls.from_header(learnt["series"]) if learnt else None
        panel, rows = splits.panel, splits.rows(0)
        for key in ("calendar", "holidays"):
            if getattr(data, key) and not panel.timelines:
                raise ConfigError(f"data.{key}: needs a time column; name it in data.time, or remove data.{key}")
        require_transformable(panel.values, data.transform, name, non_negative=data.non_negative)
        spans = [splits.span(s, 0) for s in range(len(panel.ids))]
        power = kept.power if kept else 1.0
        if data.transform == "box-cox" and kept is None:
            series = (column for first, last in spans for column in panel.values[first:last].T)
            power = fitted_power(series, data.season or 1)
        z = TRANSFORMS[data.transform].forward(panel.values, power)
        # A series without training rows is seen by its first one.
        fixed = _fixed(z, panel.known, [slice(first, max(last, first + 1)) for first, last in spans], data)
        encoders = kept.encoders if kept else Encoders.fit(panel, rows, data.calendar, data.holidays or ())
        return cls(fixed, power, encoders)

    @property
    def share(self) -> np.ndarray:
        """The usual spread of a series as a share of its root mean square, (C,): the median over series."""
        return _usual_share(*self.fixed)

    def for_series(self, panel: Panel, ids: Sequence[str], data: SeriesConfig) -> Fitted:
        """Return a copy for the series of `panel`; any not in the fitted `ids` is centred and scaled by itself."""
        places = {name: s for s, name in enumerate(ids)}
        z = TRANSFORMS[data.transform].forward(panel.values, self.power)
        own = _fixed(z, panel.known, [panel.rows(s) for s in range(len(panel.ids))], data, self.share)
        fitted = np.array([name in places for name in panel.ids])
        which = [places.get(name, 0) for name in panel.ids]
        centre, scale = (np.where(fitted[:, None], ours[which], its) for ours, its in zip(self.fixed, own, strict=True))
        return replace(self, fixed=(centre, scale))

    def to_header(self) -> dict[str, Any]:
        """Return everything that is fitted as JSON for a model file."""
        return {
            "fixed": [values.tolist() for values in self.fixed],
            "power": self.power,
            "encoders": self.encoders.to_header(),
        }

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Fitted:
        """The inverse of `to_header`."""
        centre, scale = header["fixed"]
        fixed = array(centre, "fixed", None, None), array(scale, "fixed", None, None, above=0)
        return cls(fixed, typed(float, header["power"], "power"), Encoders.from_header(header["encoders"]))


def _fixed(
    z: np.ndarray, known: np.ndarray, spans: Sequence[slice], data: SeriesConfig, share: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (centre, scale), (S, C) each, of the rows `spans` of z (R, C), of which known (R, C) are known.

    With data.padding they are of known rows only, and a scale of few leans on the usual `share`, by default that of all
    these series.
    """
    if not data.padding:
        each = [whole_series(z[rows]) for rows in spans]
        return np.stack([centre for centre, _ in each]), np.stack([scale for _, scale in each])
    centre, scale = np.empty((2, len(spans), z.shape[1]))
    count = np.empty(centre.shape, int)
    for s, rows in enumerate(spans):
        for c, column in enumerate(z[rows].T):
            seen = column[known[rows, c]]
            count[s, c] = len(seen)
            seen = seen if len(seen) else column[:1]
            centre[s, c], scale[s, c] = seen.mean(), seen.std()
    size = np.hypot(centre, scale)
    share = _usual_share(centre, never_flat(scale, size[None])) if share is None else share
    return centre, never_flat(steadied(scale, count, size, share), size[None])


def _usual_share(centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return the median over series of scale (S, C) as a share of their root mean square, (C,)."""
    return np.asarray(np.median(scale / np.hypot(centre, scale), axis=0))
