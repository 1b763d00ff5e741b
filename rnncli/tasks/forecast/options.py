"""The options of `predict` for a forecast, and which of them go together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rnncli.errors import UsageError


@dataclass(frozen=True)
class ForecastOptions:
    """The options of a forecast: how far ahead, the percents of intervals, which method, in which form."""

    horizon: int | None = None
    levels: Sequence[float] = ()
    samples: int = 0
    sum: bool = False
    network: bool = False
    future: str | None = None
    explain: bool = False
    follow: bool = False
    state: str | None = None
    strict: bool = False
    plot: bool | str = False

    def require_rows(self) -> None:
        """Raise UsageError unless the options go together where rows are forecast at once."""
        if self.state is not None or self.strict:
            raise UsageError(f"--{'strict' if self.strict else 'state'}: is for --follow; leave it out")
        if self.samples and self.levels:
            raise UsageError("--levels: paths of --samples have no intervals; leave one out")
        if self.explain and self.samples:
            raise UsageError("--explain: does not go with --samples, whose paths are drawn; leave one of them out")
        if self.explain and self.plot:
            raise UsageError("--explain: adds columns, and a plot has none; take another --format")

    def require_following(self, reading: Collection[str]) -> None:
        """Raise UsageError unless the options, and those by which data are read, go with --follow."""
        for name in ("horizon", "samples", "sum", "future", "explain", "plot"):
            if value := getattr(self, name):
                option = value if name == "plot" and isinstance(value, str) else f"--{name}"
                raise UsageError(f"{option}: does not go with --follow, which forecasts the next row; leave it out")
        for name in sorted({"sort", "duplicates"} & set(reading)):
            raise UsageError(f"--{name}: does not go with --follow, which answers each row as it comes; leave it out")
