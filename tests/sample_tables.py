"""How sample_data/sunspots.csv and sample_data/co2.csv are made from the files inside statsmodels.

The package is only located, never imported: its data files are plain CSV, and importing it would ask for
scipy and pandas. To write the tables again, call `write_tables(folder)`.
"""

import csv
import importlib.util
import math
from pathlib import Path


def datasets_folder() -> Path | None:
    """The folder `statsmodels/datasets` of this environment, or None where statsmodels is not installed."""
    found = importlib.util.find_spec("statsmodels")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "datasets"


def sunspots_table(datasets: Path) -> str:
    """Yearly sunspot numbers as CSV text: the same values under plainer column names."""
    rows = _rows(datasets / "sunspots" / "sunspots.csv")
    return _csv_text("year,sunspots", [(year, sunspots) for year, sunspots in rows])


def co2_table(datasets: Path) -> str:
    """Monthly means of the weekly CO2 values as CSV text, from the longest run of months without a gap.

    A few months before May 1964 have no weekly value at all. They are left out together with everything
    before them rather than filled in, so that every number in the table is a mean of measurements.
    """
    months: dict[str, list[float]] = {}
    for date, value in _rows(datasets / "co2" / "co2.csv"):
        weekly = months.setdefault(f"{date[:4]}-{date[4:6]}", [])
        if value:
            weekly.append(float(value))
    span = _longest_run_without_gap(months)
    means = [(month, f"{math.fsum(months[month]) / len(months[month]):.2f}") for month in span]
    return _csv_text("month,co2", means)


def write_tables(folder: Path) -> None:
    """Write both tables into `folder`."""
    datasets = datasets_folder()
    if datasets is None:
        raise FileNotFoundError("statsmodels is not installed, and the tables are made from its files")
    (folder / "sunspots.csv").write_text(sunspots_table(datasets), encoding="ascii", newline="\n")
    (folder / "co2.csv").write_text(co2_table(datasets), encoding="ascii", newline="\n")


def _rows(path: Path) -> list[list[str]]:
    """The rows of a CSV file under its header."""
    with path.open(newline="", encoding="ascii") as file:
        return list(csv.reader(file))[1:]


def _csv_text(header: str, rows: list[tuple[str, str]]) -> str:
    """A header line and two columns as CSV text."""
    return "\n".join([header, *(f"{first},{second}" for first, second in rows)]) + "\n"


def _longest_run_without_gap(months: dict[str, list[float]]) -> list[str]:
    """The longest run of successive months that all have a value; `months` lists every month in order."""
    longest: list[str] = []
    run: list[str] = []
    for month, values in months.items():
        run = [*run, month] if values else []
        if len(run) > len(longest):
            longest = run
    return longest
