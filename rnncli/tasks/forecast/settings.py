"""The values that a config leaves open and the series decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rnncli.config.chosen import is_open
from rnncli.errors import ConfigError, DataError, UsageError
from rnncli.notes import note
from rnncli.tasks import sizes
from rnncli.tasks.forecast.config import ForecastConfig, SeriesConfig
from rnncli.tasks.forecast.padding import LEAST
from rnncli.tasks.forecast.panel import Panel
from rnncli.tasks.forecast.panel_columns import Columns
from rnncli.tasks.forecast.splits import some_are_short

MOST_HORIZON = 20_000  # rows
_MOST_PADDED = 4000  # rows of a context
_VALIDATED = 0.2  # of each series, where the config leaves it open
_MANY_SERIES = 100  # a window of each is enough to validate on
_LEAST_CORRELATION = 0.3
_AS_HIGH = 0.9
_MOST_ROWS = 4096  # of the newest; enough to see a season, and cheap
_LONG_CONTEXT = 4  # horizons
_LONG_SERIES = 8  # seasons or horizons
_FURTHEST = 50  # trained horizons
_KEPT_SEASONS = 3  # of each series at least go into the model file, for baselines that look back


def detected_season(values: np.ndarray) -> int | None:
    """Return the season of values (N,): the lag (2 … N/4) of a high peak of their autocorrelation, or None.

    The first of the peaks that are about as high as the highest is taken, None if no peak is clear. A straight line
    is taken out beforehand, because a trend correlates with itself at every lag.
    """
    y = values[-_MOST_ROWS:]
    N = len(y)
    if N < 12:
        return None
    t = np.arange(N) - (N - 1) / 2
    y = y - y.mean() - t * (t * (y - y.mean())).sum() / (t * t).sum()
    variance = float((y * y).mean())
    if variance <= 1e-12 * float((values * values).mean()):
        return None
    lags = np.arange(1, N // 4 + 2)
    correlation = np.array([float((y[k:] * y[:-k]).mean()) for k in lags]) / variance
    inner = correlation[1:-1]
    peaks = (inner > correlation[:-2]) & (inner >= correlation[2:]) & (inner > max(_LEAST_CORRELATION, 3 / np.sqrt(N)))
    if not peaks.any():
        return None
    # Twice the season correlates as well as the season: the first of the peaks that are about as high.
    return int(lags[1:-1][peaks][np.argmax(inner[peaks] >= _AS_HIGH * inner[peaks].max())])


def resolved(config: ForecastConfig, panel: Panel, columns: Columns, name: str) -> ForecastConfig:
    """Return the config with nulls filled in as the data `name` decide; ConfigError if keys do not go together."""
    given = config.data
    config = config.completed(data={"validation": _VALIDATED})
    data = config.data
    frequency = panel.timelines[0].frequency if panel.timelines else None
    if data.freq is not None and frequency is not None and data.freq != frequency:
        raise DataError(f"{name}: its rows are one {frequency} apart, not one {data.freq}; change data.freq")
    N = int(np.median(panel.lengths))
    season = data.season or (panel.timelines[0].season if panel.timelines else None) or _detected_season(data, panel)
    horizon = data.horizon or (season if season and season <= N // 10 else max(1, min(12, N // 20)))
    if is_open(given.validation):
        config = config.changed(data={"validation": _validation(panel, columns, horizon)})
        data = config.data
    usual = _usual_length(panel.lengths)
    most = _most_context(season, horizon, usual, _held_out(data, usual))
    config = _with_decoder(config, panel, columns, season, horizon, most)
    _refuse_contradictions(config)
    data, segment = config.data, _segment(config, season, horizon)
    contexts = data.contexts or [_context(season, horizon, segment, most)]
    short = some_are_short(data, panel.lengths, max(contexts), horizon)
    padding = data.padding if data.padding is not None else short or data.missing == "mask"
    if padding and short and len(panel.ids) > 1 and not data.contexts:  # one that suits the long series, then
        contexts = [_context(season, horizon, segment, usual // 2)]
    for context in contexts:
        least = LEAST if padding else context
        if least + horizon > max(panel.lengths):
            raise DataError(too_short(name, int(max(panel.lengths)), least, horizon))
        if segment and context % segment:
            raise ConfigError(
                f"data.context: is {context}, and segments of {segment} rows do not fill it; make it a multiple, or "
                "change model.segment"
            )
    _require_bounded(contexts, horizon, int(max(panel.lengths)))
    counts = config.training.loss == "negative-binomial"
    filled = {
        "time": _one_or_all(columns.sources(columns.time)) or data.time,
        "target": None if columns.layout == "rows" else list(columns.targets),
        "id": data.id if columns.hierarchy else _one_or_all(columns.sources(columns.id)),
        "layout": columns.layout,
        "season": season,
        "horizon": horizon,
        "context": contexts if len(contexts) > 1 else contexts[0],
        "padding": padding,
        "freq": frequency or data.freq,
        "scaling": data.scaling or ("mean" if counts else _scaling(season or 1, contexts)),
        "residual": data.residual or ("none" if counts else None),
    }
    _require_counts(config, filled, panel)
    _note_short_contexts(data, season or 1)
    bptt = config.training.bptt or max(contexts) + horizon
    config = config.changed(data=filled, model={"segment": segment}, training={"bptt": bptt})
    return _with_sizes(config, panel, columns, scaling=given.scaling)


def _with_sizes(
    config: ForecastConfig, panel: Panel, columns: Columns, scaling: str | list[str] | None
) -> ForecastConfig:
    """Return the config with sizes, rates, lengths and a number of networks; scaling: the one that it gave, if any.

    Several networks of series one under another read them in turn less their mean, in units of their deviation, and
    as they are, in units of their mean, if none is negative: then they err in different places. With 100 series of
    months the MASE of two networks was 0.830 without and 0.822 so, that of one 0.838; with 414 series of hours the OWA
    of three was 0.485 without and 0.481 so, that of one 0.508. (A seasonal error as the scale of one was worse, 0.535.)
    """
    data, segment = config.data, config.model.segment
    assert data.horizon is not None
    kept = np.array([rows - _held_out(data, int(rows)) for rows in panel.lengths.tolist()])
    rows = max(data.contexts) + data.horizon
    windows = max(int(np.maximum(kept - rows + 1, 0).sum()), 1)
    several = len(panel.ids) > 1 and columns.layout != "wide"
    kind = "windows" if segment is None else "panels" if several else "segments"
    completed = sizes.completed(config, kind, windows, int((panel.lengths - kept).sum()))
    steps = completed.training.epochs * windows * rows // (segment or 1)
    count = sizes.side_by_side(steps) if several and is_open(config.training.epochs) else 1
    completed = sizes.with_networks(completed, max(count, len(data.contexts), len(data.scalings)))
    in_turn = kind == "panels" and completed.networks > 1 and scaling is None and data.scaling == "standard"
    if in_turn and data.transform == "none" and _none_is_negative(panel, kept):
        return completed.changed(data={"scaling": ["standard", "mean"]})
    return completed


def _none_is_negative(panel: Panel, kept: np.ndarray) -> bool:
    """Return True if none of the first `kept` (S,) rows of each series is below 0."""
    return all((panel.values[panel.rows(s)][: max(rows, 0)] >= 0).all() for s, rows in enumerate(kept))


def _with_decoder(
    config: ForecastConfig, panel: Panel, columns: Columns, season: int | None, horizon: int, most: int
) -> ForecastConfig:
    """Return the config with the channels of the panel, and a decoder if it leaves that open; most: rows of a context.

    For columns of a long table, and for series of one column that have a season and are long, it is that of SegRNN (Lin
    et al., 2023): segments of whole seasons, two or more of them ahead, of contexts that are scaled by themselves.
    Columns begin at their last value: on ETTh1, 96 hours ahead, the MSE was .374; in segments of a season .382, with
    the scale and residual of other series .399, jointly .498. Of the others the error on validation was lower than that
    of a direct head by 13% (414 series of hours), 14% (40 of days), 16% (12 of hours), 25% (taxis) and 25% (airline);
    equal for 60 series of months, and 2% higher for temperatures.
    """
    apart = columns.layout == "wide" and panel.values.shape[1] < len(columns.targets)
    config = config.completed(data={"channels": "independent" if apart else "joint"})
    unit = season or horizon
    segment = min(config.model.segment or unit * max(horizon // (2 * unit), 1), horizon)
    fits = all(context % segment == 0 for context in config.data.contexts) and not config.model.beyond_layers
    seasonal = panel.values.shape[1] == 1 and season is not None and season > 1 and not config.data.contexts
    suits = apart or (seasonal and _usual_length(panel.lengths) >= _LONG_SERIES * max(unit, horizon))
    if not (is_open(config.model.decoder) and suits and fits and config.training.loss != "negative-binomial"):
        return config.completed(model={"decoder": "direct" if config.model.segment is None else "segments"})
    context = min(max(_LONG_CONTEXT * horizon, _two_seasons(season or 0)), most) // segment * segment
    return config.completed(
        data={
            "context": max(context, segment),
            "scaling": "standard",
            **({"residual": "last-value"} if apart else {}),
        },
        model={"decoder": "segments", "segment": segment},
    )


def _validation(panel: Panel, columns: Columns, horizon: int) -> float | int:
    """Return what to hold out for validation: a fifth of each series, or one horizon of many that share no times.

    The newest rows teach most, and a window each is enough there: of 414 series of hours the MASE of one network on the
    48 rows after validation was 1.027 with a fifth, three to four horizons, and 0.990 with two.
    """
    apart = not panel.timelines and columns.layout != "wide" and not columns.hierarchy
    many = apart and len(panel.ids) >= _MANY_SERIES and horizon <= _VALIDATED * panel.lengths.min()
    return horizon if many else _VALIDATED


def _one_or_all(names: list[str]) -> str | list[str] | None:
    return names if len(names) > 1 else next(iter(names), None)


def _refuse_contradictions(config: ForecastConfig) -> None:
    data, training, model = config.data, config.training, config.model
    if data.reconcile is not None and data.hierarchy is None:
        raise ConfigError("data.reconcile: is for data.hierarchy; name the columns of one there, or remove it")
    if model.segment is not None and model.decoder != "segments":
        raise ConfigError("model.segment: is for model.decoder: segments; set that, or remove it")
    if model.beyond_layers and model.decoder == "segments":
        raise ConfigError(
            f"model.{model.beyond_layers[0]}: is for networks that read step by step; set model.decoder: direct, or "
            "remove it"
        )
    if model.decoder == "recursive" and data.residual == "seasonal-growth":
        raise ConfigError(
            "data.residual: is seasonal-growth, which a recursive network cannot correct step by step; take "
            "seasonal-naive, or another model.decoder"
        )
    if training.with_baseline and (data.residual == "none" or training.loss == "negative-binomial"):
        raise ConfigError("training.with_baseline: there is no baseline where data.residual is none; remove it")
    for key, count in (("context", len(data.contexts)), ("scaling", len(data.scalings))):
        if training.seeds is not None and count > training.seeds:
            raise ConfigError(
                f"data.{key}: has {count} values, and training.seeds is {training.seeds}; a network has one of them"
            )


def _require_counts(config: ForecastConfig, filled: Mapping[str, object], panel: Panel) -> None:
    """Raise ConfigError for a negative-binomial loss unless values are whole numbers from 0 and left as they are."""
    if config.training.loss != "negative-binomial":
        return
    for key, value, only in (
        ("scaling", filled["scaling"], "mean"),
        ("residual", filled["residual"], "none"),
        ("transform", config.data.transform, "none"),
    ):
        if value != only:
            raise ConfigError(f"data.{key}: must be {only} where training.loss is negative-binomial")
    wrong = (panel.values < 0) | (panel.values != np.floor(panel.values))
    if (wrong & panel.known).any():
        value = panel.values[wrong & panel.known][0]
        raise ConfigError(
            f"training.loss: negative-binomial is for counts, and {value:g} is none; take student-t or quantile"
        )


def _segment(config: ForecastConfig, season: int | None, horizon: int) -> int | None:
    if config.model.decoder != "segments":
        return None
    return min(config.model.segment or season or horizon, horizon)


def _context(season: int | None, horizon: int, segment: int | None, most: int) -> int:
    """Return a context of three seasons or horizons, at most so many rows, in whole segments."""
    context = max(2, min(3 * max(season or 0, horizon), most))
    return context if segment is None else max(context // segment, 1) * segment


def _most_context(season: int | None, horizon: int, rows: int, held_out: int) -> int:
    """Return the most rows of a context of series of so many `rows`, of which some are held out: a quarter of them.

    A quarter of a short series may be one season, within which no season can be compared with another: then it is
    two seasons and a bit, but no more rows than there are windows left to learn from.
    """
    two = _two_seasons(season) if season else 0
    return max(rows // 4, min(two, (rows - held_out - horizon) // 2))


def _usual_length(lengths: np.ndarray) -> int:
    """Return the length of the series that the median row is in: half of all rows are in series as long, or longer."""
    ordered = np.sort(lengths)
    return int(ordered[np.searchsorted(np.cumsum(ordered), ordered.sum() / 2)])


def _scaling(season: int, contexts: Sequence[int]) -> str:
    """Return the scaling for these contexts: the spread of one of them may be unknown by its seasonal errors."""
    return "seasonal-error" if all(_shows_its_season(context, season) for context in contexts) else "standard"


def _shows_its_season(context: int, season: int) -> bool:
    """Return True if half a season of a context's values, or more, have another one a season before them."""
    return 2 * (context - season) >= season or season == 1


def _note_short_contexts(data: SeriesConfig, season: int) -> None:
    """Write a note if a context that the config gives is too short for a scale by seasonal errors."""
    short = [context for context in data.contexts if not _shows_its_season(context, season)]
    if not short or (data.scalings and "seasonal-error" not in data.scalings):
        return
    scaled = (
        "a scale by data.scaling seasonal-error is a matter of luck"
        if data.scalings
        else "it is scaled by its standard deviation"
    )
    note(
        f"data.context: has {short[0]} rows and a season {season}, so too few lie a season apart to tell how far they "
        f"differ, and {scaled}; set it to {_two_seasons(season)} or more"
    )


def _require_bounded(contexts: Sequence[int], horizon: int, rows: int) -> None:
    """Raise ConfigError for a context or a horizon that no model file may have; see `kept.require_kept`."""
    for key, number, most in (("context", max(contexts), most_context(rows)), ("horizon", horizon, MOST_HORIZON)):
        if number > most:
            raise ConfigError(f"data.{key}: is {number:,}, and may be {most:,} at most here; lower it")


def _two_seasons(season: int) -> int:
    return 2 * season + season // 4


def _held_out(data: SeriesConfig, rows: int) -> int:
    """Return how many of a series' rows its config holds out for validation and test; files take none of them."""
    sizes = (size for size in (data.validation, data.test) if isinstance(size, (float, int)))
    return sum(int(size * rows) if isinstance(size, float) else size for size in sizes)


def _detected_season(data: SeriesConfig, panel: Panel) -> int | None:
    """Return the season detected in the first target's training rows of the longest series, or None."""
    values = panel.values[panel.rows(int(np.argmax(panel.lengths))), 0]
    return detected_season(values[: max(len(values) - _held_out(data, len(values)), 0)])


def most_context(rows: int) -> int:
    """Return the most rows of a padded context, of series of up to so many `rows`: more would be padding alone."""
    return max(_MOST_PADDED, 4 * rows)


def kept_rows(data: SeriesConfig, context: int) -> int:
    """Return how many of the newest rows of each series go into the model file."""
    return max(context, _KEPT_SEASONS * (data.season or 1))


def require_within_reach(horizon: int, trained: int) -> None:
    """Raise UsageError for a horizon that is more than 50 times the trained one."""
    if horizon > _FURTHEST * trained:
        raise UsageError(
            f"--horizon {horizon}: is more than {_FURTHEST} times the {trained} rows that this model was trained to "
            f"forecast; lower it, or train with --set data.horizon={-(-horizon // _FURTHEST)} or more"
        )


def too_short(name: str, rows: int, least: int, horizon: int, purpose: str = "") -> str:
    """Return the error message for data in which not one window fits; least: the rows that must come before it."""
    before, lower = ("1 row before", "") if least == LEAST else (f"context {least}", "data.context or ")
    return (
        f"{name}: has {rows:,} rows{purpose}; {before} + horizon {horizon} needs {least + horizon:,}; "
        f"lower {lower}data.horizon"
    )
