"""The config of a forecast, and the default config for a user who only names a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from rnncli.config.chosen import Chosen, chosen
from rnncli.config.data_section import TableConfig
from rnncli.config.model_section import StackModelConfig
from rnncli.config.section import Columns, Count, FilePath
from rnncli.config.sections import Config
from rnncli.config.suggestions import did_you_mean
from rnncli.config.training_section import SeededTrainingConfig, TruncatedTrainingConfig
from rnncli.config.values import LARGEST_COUNT, each, one_of, refusal
from rnncli.errors import UsageError
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES

SCALINGS = ("seasonal-error", "mean", "standard", "robust", "last-value", "none")


def checked_contexts(value: Any) -> Any:
    """Return `value` if it is a number of rows, at least 2, or a list of such numbers; else refuse it."""
    for one in each(value):
        if not isinstance(one, int) or isinstance(one, bool) or one < 2:
            raise refusal("must be a whole number, at least 2, or a list of them")
        if one > LARGEST_COUNT:
            raise refusal(f"must be at most {LARGEST_COUNT}")
    return value


def checked_scalings(value: Any) -> Any:
    """Return `value` if it is the name of a scaling, or a list of such names; refuse it otherwise."""
    for one in each(value):
        if one not in SCALINGS:
            hint = did_you_mean(str(one), SCALINGS) or ""
            raise refusal(f"expected one of {', '.join(SCALINGS)}, or a list of them{hint}")
    return value


def checked_format(form: str) -> str:
    """Return `form` if strptime reads what it writes, a year at least; refuse it otherwise."""
    try:
        whole = datetime.strptime(datetime(2001, 2, 3).strftime(form), form).year == 2001
    except (ValueError, re.error):
        whole = False
    if not whole:
        raise refusal("must be a format of strptime that tells a year, such as %d.%m.%Y %H:%M or %B %Y")
    return form


def checked_zone(name: str) -> str:
    """Return `name` if it is a time zone; refuse it otherwise."""
    from rnncli.data import zones

    if not zones.is_zone(name):
        hint = did_you_mean(name, zones.known()) or "; such as Europe/Berlin"
        raise refusal(f"must be a time zone that this system knows{hint}")
    return name


def interval_of(text: str) -> tuple[int, bool]:
    """Return an interval such as 15min, 1h or 1month as a number of seconds, or of months, which the second value says.

    ValueError for what is none.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,5}) ?([a-z]+)", text)
    units = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800, "month": 1, "quarter": 3, "year": 12}
    if found is None or found[2] not in units:
        raise ValueError(f"must be an interval such as 15min, 1h, 1d, 1w or 1month (units: {', '.join(units)})")
    return int(found[1]) * units[found[2]], found[2] in ("month", "quarter", "year")


def checked_interval(value: Any) -> Any:
    """Return `value` if it is an interval; refuse it otherwise."""
    try:
        interval_of(value if isinstance(value, str) else "")
    except ValueError as error:
        raise refusal(str(error)) from None
    return value


def checked_words(value: Any) -> Any:
    """Return `value` as a list of texts if it is a word or a number, or a list of them; refuse it otherwise."""
    listed = each(value)
    if not all(isinstance(one, (str, int, float)) and not isinstance(one, bool) for one in listed):
        raise refusal("must be a word or a number, or a list of them")
    return [str(one) for one in listed]


def _unlike_decimal(mark: str) -> str:
    other = "," if mark == "." else "."
    return f'must differ from data.decimal; if that is "{other}", --decimal "{other}"'


class SeriesConfig(TableConfig):
    """The location of the series, the roles of their columns, and how windows are cut out of them."""

    counts_rows = True

    skip_footer: int = Field(
        default=0, ge=0, le=10**9, description="The number of rows to skip at the end of the CSV, such as a total."
    )
    id: Columns | None = Field(
        default=None,
        description="The column that names the series of each row, or a list of columns that do together; null looks "
        "for unique_id, item_id or series_id.",
    )
    hierarchy: Columns | None = Field(
        default=None,
        description="Columns that the series are summed by, from the top down, such as [region, shop]: every shop, the "
        "sum of each region and the total are forecast, and add up. The last one names the series, or data.id does.",
    )
    reconcile: Literal["mint", "bottom-up", "none"] | None = Field(
        default=None,
        description="How the forecasts of data.hierarchy are made to add up: mint adjusts all of them by the "
        "covariance of their errors on validation; bottom-up sums those of the lowest level; none leaves them as they "
        "are. null takes mint or bottom-up, whichever is better on validation.",
    )
    time: Columns | None = Field(
        default=None,
        description="The column with the time of each row, or a list of columns that tell it together, such as a date "
        "and a clock, or year and month; null detects it, none ignores times.",
    )
    time_format: Annotated[str, AfterValidator(checked_format)] | None = Field(
        default=None,
        description="The format of the times, as strptime has it, such as %d.%m.%Y %H:%M; null detects it.",
    )
    timezone: Annotated[str, AfterValidator(checked_zone)] | None = Field(
        default=None,
        description="The time zone of times that are written without an offset, such as Europe/Berlin: hours go on "
        "through a change of summer time, and days go by local date.",
    )
    target: Columns | None = Field(
        default=None,
        description="The column or columns to forecast, by name or by number from 1; null takes the one with a usual "
        "name, such as y or sales, or else all that change.",
    )
    layout: Literal["wide", "long", "rows"] | None = Field(
        default=None,
        description="How series stand in the table: wide, side by side; long, one under another with an id; rows, "
        "one in each row. null detects it.",
    )
    channels: Chosen[Literal["joint", "independent"]] = chosen(
        "With several targets side by side: joint, one network reads and forecasts all of them; independent, each is "
        "a series of its own for the same network; null is independent for a long table.",
        before="joint",
    )
    past_covariates: Columns | None = Field(
        default=None, description="Columns whose values are known only up to the last row."
    )
    known_covariates: Columns | None = Field(
        default=None,
        description="Columns whose future values are known: from rows without a target at the end of the data, or "
        "from data.future.",
    )
    future: FilePath | None = Field(
        default=None, description="A second file with the known covariates of the rows to forecast."
    )
    static: Columns | None = Field(default=None, description="Columns with one value for each series.")
    calendar: bool = Field(
        default=False, description="Add time of day, day of week and time of year as covariates, from the time column."
    )
    holidays: Annotated[list[str], BeforeValidator(checked_words)] | None = Field(
        default=None,
        description="Add the public holidays of these countries as known covariates, such as DE, or of parts of them, "
        "such as US-CA; needs rnncli[holidays].",
    )
    horizon: Count | None = Field(default=None, description="The number of rows to forecast; null decides by the data.")
    context: Annotated[int | list[int], BeforeValidator(checked_contexts)] | None = Field(
        default=None,
        description="The number of past rows that the network reads; null decides by the data. A list gives one "
        "value for each of training.seeds in turn.",
    )
    padding: bool | None = Field(
        default=None,
        description="Train on, score and forecast series that have fewer rows than a context too: rows missing before "
        "them are masked. null does if some are so short, or if data.missing is mask.",
    )
    freq: str | None = Field(default=None, description="The time between rows; null detects it.")
    season: Count | None = Field(default=None, description="The number of rows in one season; null detects it.")
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        default=None, description="The mark between thousands of the numbers in a CSV, such as 1,234.5."
    )
    na_values: Annotated[list[str], BeforeValidator(checked_words)] | None = Field(
        default=None, description="Cells that mean a missing value, beside those that always do, such as NA and -."
    )
    sort: bool = Field(default=False, description="Sort the rows by their times, the oldest first.")
    resample: Annotated[str, BeforeValidator(checked_interval)] | None = Field(
        default=None,
        description="Make one row of those in each interval, such as 15min, 1h, 1d, 1w or 1month; an interval without "
        "rows is a gap.",
    )
    aggregate: Literal["mean", "sum", "last", "max", "min"] = Field(
        default="mean", description="What data.resample makes of the targets in an interval."
    )
    missing: Literal["refuse", "ffill", "interpolate", "mask", "zero"] = Field(
        default="refuse",
        description="What to do with missing values and rows: refuse them; fill them with the value before (ffill) "
        "or on a line between the neighbours (interpolate); mask them, which keeps them out of the "
        "loss and tells the network; or count targets as 0 (zero), such as the sales of a day without a row.",
    )
    duplicates: Literal["refuse", "first", "last", "mean", "sum"] = Field(
        default="refuse",
        description="What to do with several rows of the same series and time: refuse them; take the first, the last "
        "or their mean; or the sum of targets, such as sales, and the mean of covariates.",
    )
    transform: Literal["none", "log", "log1p", "sqrt", "box-cox"] = Field(
        default="none", description="A transform of the targets before they are scaled; forecasts are transformed back."
    )
    non_negative: bool = Field(
        default=False, description="The targets cannot be below 0, nor can forecasts and intervals."
    )
    bounded: bool = Field(
        default=True,
        description="Intervals end at 0 if no value was ever below, and at 1 or 100 if some value was just that and "
        "none above; false lets them pass.",
    )
    residual: Literal["none", "last-value", "seasonal-naive", "seasonal-growth"] | None = Field(
        default=None,
        description="The naive forecast that the network corrects, or none; null chooses last-value or "
        "seasonal-naive, whichever is better on the training split.",
    )
    scaling: Annotated[str | list[str], BeforeValidator(checked_scalings)] | None = Field(
        default=None,
        description="How each context is scaled; null is seasonal-error, or standard for a context of less than one "
        "and a half seasons. A list gives one value for each of training.seeds in turn.",
    )

    @property
    def scalings(self) -> list[str]:
        """The scalings as a list, empty if none is given."""
        return [] if self.scaling is None else self.scaling if isinstance(self.scaling, list) else [self.scaling]

    @property
    def contexts(self) -> list[int]:
        """The contexts as a list, empty if none is given."""
        return [] if self.context is None else self.context if isinstance(self.context, list) else [self.context]

    def read_as(self, reading: Mapping[str, Any]) -> SeriesConfig:
        """Return the keys with those of `reading` in their place; where its decimal sign is what stood between
        thousands, nothing stands there. UsageError where both marks in numbers are one."""
        dropped = {"thousands": None} if self.thousands is not None and reading.get("decimal") == self.thousands else {}
        data = self.model_copy(update={**dropped, **reading})
        if data.thousands == data.decimal:
            raise UsageError(
                f'the mark between thousands, "{data.thousands}", {_unlike_decimal(data.decimal)} beside --thousands'
            )
        return data

    @field_validator("thousands")
    @classmethod
    def _thousands_are_no_fractions(cls, thousands: str | None, info: ValidationInfo) -> str | None:
        if thousands is not None and thousands == info.data.get("decimal"):
            raise refusal(f"{_unlike_decimal(thousands)} too; if nothing stands there, set data.thousands to null")
        return thousands

    @field_validator("format")
    @classmethod
    def _is_a_table(cls, form: str | None) -> str | None:
        if form not in (None, "csv"):
            raise refusal("a forecast reads csv; change it, or the task")
        return form


class ForecastModelConfig(StackModelConfig):
    """The keys of the network that maps a context to the rows after it."""

    decoder: Chosen[Literal["direct", "recursive", "segments"]] = chosen(
        "How the rows ahead are forecast: direct, all at once; recursive, one by one from the network's own "
        "forecasts; segments, several rows at a time; null is segments for columns of a long table, and for long "
        "series with a season whose data.context is null, else direct.",
        before="direct",
    )
    segment: Count | None = Field(default=None, description="The number of rows in a segment; null is one season.")


class ForecastTrainingConfig(SeededTrainingConfig, TruncatedTrainingConfig):
    """The training of networks on windows of series."""

    seeds: Chosen[Annotated[int, Field(ge=1, le=100)]] = chosen(
        "The number of networks to train side by side, from seeds that follow training.seed; the forecast is the "
        "median of theirs. null is up to 4 for several series, not side by side, whose epochs is null, else 1.",
        before=1,
    )
    loss: Annotated[str, one_of(FORECAST_LOSSES)] = Field(
        default="mae",
        description="The training loss: of errors (mae, mse), of quantiles (quantile), or the likelihood of a "
        "distribution (gaussian, student-t, negative-binomial).",
    )
    with_baseline: bool = Field(
        default=False, description="Count the corrected baseline as one more network in that median."
    )
    average: bool = Field(
        default=True,
        description="Average the networks' forecast with the best naive forecast, by the shares that are best on "
        "validation; one by one (recursive) and with a distribution the networks forecast alone.",
    )
    fallback: bool = Field(
        default=True, description="Forecast with the best naive forecast if it was better on validation."
    )
    updates_per_epoch: Count | None = Field(
        default=None, description="The number of batches in an epoch; null takes every training window once."
    )


class ForecastConfig(Config):
    """The config of a forecast of the next rows of series."""

    refused = {
        "model.bidirectional": "read from its end, a sequence shows the answer that a forecast is to find; remove it",
        "model.pooling": "a forecast has no one answer for a whole sequence; remove it",
        "training.bptt_stride": "a forecast has one loss a window; remove it, training.bptt is enough",
    }

    data: SeriesConfig = Field(default={}, validate_default=True)
    model: ForecastModelConfig = Field(default={}, validate_default=True)
    training: ForecastTrainingConfig = Field(default={}, validate_default=True)

    def of_one_network(self) -> ForecastConfig:
        first = {"context": next(iter(self.data.contexts), None), "scaling": next(iter(self.data.scalings), None)}
        return self.changed(data=first, training={"seeds": 1, "with_baseline": False})
