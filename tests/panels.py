"""What tests of panels share: a CSV read as a forecast's, and what a refusal says."""

import pytest

from rnncli.data.source import Source
from rnncli.errors import RnncliError
from rnncli.notes import noting
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.panel_tables import read_panel


def source(text, name="d.csv"):
    return Source(name, text.encode())


def read(text, notes=None, columns=None, before=None, **data):
    """Panel and columns of a CSV's text; before: the panel that it may continue."""
    with noting(([] if notes is None else notes).append):
        panel, found, _ = read_panel(source(text), SeriesConfig(encoding="utf-8", **data), columns, before)
    return panel, found


def panel_of(text, **data):
    return read(text, **data)[0]


def refused(kind, call, *arguments, **options):
    """The message of the error that `call` raises."""
    with pytest.raises(kind) as caught:
        call(*arguments, **options)
    assert isinstance(caught.value, RnncliError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def days(count, first=1):
    """Stamps of January 2024."""
    return [f"2024-01-{day:02}" for day in range(first, first + count)]
