"""A data frame that has no more than what rnncli asks of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Column:
    def __init__(self, values: Any, name: str | None = None):
        self.values, self.name, self.ndim = np.asarray(values), name, 1

    def to_numpy(self) -> np.ndarray:
        return self.values


class Series(Column):
    """A column with an index of its own."""

    def __init__(self, values: Any, index: Any, name: str | None = None):
        super().__init__(values, name)
        self.index = Column(index)


class Frame:
    """Columns by name, and an index."""

    def __init__(self, columns: dict[str, Any], index: Any = None, name: str | None = None):
        self._columns = columns
        self.index = Column(range(len(next(iter(columns.values())))) if index is None else index, name)

    @property
    def columns(self) -> Sequence[str]:
        return list(self._columns)

    def __getitem__(self, name: str) -> Column:
        return Column(self._columns[name], name)
