"""caption: a sequence for labels or numbers (one-to-many), such as a melody in a key or a text for features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.data.cutting import Cut
from rnncli.data.numeric import FAR, is_number, whole_series
from rnncli.data.source import Source
from rnncli.data.text import WORDS
from rnncli.data.typed import array, typed
from rnncli.data.vocabulary import Unseen
from rnncli.errors import DataError, shown
from rnncli.notes import doubt
from rnncli.tasks.seq2seq.config import CaptionConfig
from rnncli.tasks.seq2seq.pairs import Pairs
from rnncli.tasks.seq2seq.predictor import Writer
from rnncli.tasks.seq2seq.writing import PairExperiment, completed, splits_in
from rnncli.tasks.task import Context


class Cells:
    """Prompts of cells: each column holds numbers, scaled by the training split's mean and standard deviation, or
    labels that occur in that split.
    """

    encodes = False
    kind = "values"
    vocabulary = None
    cut = Cut(None, "end")
    unseen = Unseen()  # of tokens, and there are none

    def __init__(self, columns: Sequence[Mapping[str, Any]], decimal: str):
        self.columns, self.decimal = columns, decimal
        self.places = [{label: i for i, label in enumerate(column.get("labels", ()))} for column in columns]
        self._told: set[str] = set()

    @classmethod
    def of(cls, train: Pairs, decimal: str) -> Cells:
        columns: list[dict[str, Any]] = []
        for place, title in enumerate(train.columns.prompts):
            cells = [prompt[place].strip() for prompt in train.prompts]
            if _are_numbers(train, title, cells, decimal):
                values = np.array([float(cell.replace(decimal, ".")) for cell in cells])
                far = next((i for i, value in enumerate(values) if not abs(value) < FAR), None)
                if far is not None:
                    raise DataError(f"{train.where(far)}: a value is too large for float32; rescale the data")
                centre, scale = whole_series(values)
                columns.append({"name": title, "centre": float(centre), "scale": float(scale)})
            else:
                columns.append({"name": title, "labels": sorted(set(cells))})
        return cls(columns, decimal)

    def refitted(self, train: Pairs, config: CaptionConfig) -> Cells:
        return Cells.of(train, config.data.decimal)

    @property
    def size(self) -> int:
        return sum(len(column.get("labels", "1")) for column in self.columns)

    def encode(
        self, prompts: Sequence[tuple[str, ...]], where: Sequence[str], *, scored: bool = False
    ) -> list[np.ndarray]:
        unseen: list[str] = []
        vectors = [self._vector(prompt, place, unseen) for prompt, place in zip(prompts, where, strict=True)]
        if unseen and not scored:
            raise DataError(f"{unseen[0]} does not occur in the training split; change it, or train on some like it")
        if unseen and unseen[0] not in self._told:
            doubt(
                f"{unseen[0]} does not occur in the training split, as {len(unseen):,} labels of {len(prompts):,} "
                "held-out pairs do not; they are read as none of those that do"
            )
            self._told.add(unseen[0])
        return vectors

    def tokens(self, prompt: tuple[str, ...]) -> list[str]:
        return []

    def _vector(self, prompt: tuple[str, ...], where: str, unseen: list[str]) -> np.ndarray:
        """Return the vector of a prompt, 0 for a label that training never saw, which is added to `unseen`."""
        if len(prompt) != len(self.columns):
            names = ", ".join(column["name"] for column in self.columns)
            raise DataError(f"{where}: {len(prompt)} cells, and the model is given {len(self.columns)}: {names}")
        values: list[float] = []
        for cell, column, places in zip(map(str.strip, prompt), self.columns, self.places, strict=True):
            if places:
                if cell not in places:
                    unseen.append(f"{where}: the {column['name']} {shown(cell)}")
                values += [float(i == places.get(cell)) for i in range(len(places))]
            else:
                if not is_number(cell, self.decimal):
                    raise DataError(f'{where}: column "{column["name"]}": {shown(cell)} is not a number; mend the cell')
                value = (float(cell.replace(self.decimal, ".")) - column["centre"]) / column["scale"]
                if not abs(value) < FAR:
                    raise DataError(f"{where}: a value is too far from those of the training split; mend it")
                values.append(value)
        return np.array(values, np.float32)

    def to_header(self) -> dict[str, Any]:
        return {"columns": list(self.columns), "decimal": self.decimal}


def _are_numbers(train: Pairs, title: str, cells: list[str], decimal: str) -> bool:
    """Return True if all cells are numbers; raise DataError for an empty cell, and for a cell that is not a number in a
    column where most are."""
    empty = next((i for i, cell in enumerate(cells) if not cell), None)
    if empty is not None:
        raise DataError(f'{train.where(empty)}: column "{title}" is empty; fill the cell')
    odd = [i for i, cell in enumerate(cells) if not is_number(cell, decimal)]
    if 0 < len(odd) < len(cells) / 2:
        raise DataError(
            f'{train.where(odd[0])}: column "{title}": {shown(cells[odd[0]])} is not a number; mend the cell'
        )
    return not odd


def prepare(
    config: CaptionConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
) -> PairExperiment:
    splits = splits_in(config, source, learnt, named=True)
    config = completed(config.completed(data={"tokens": "char"}, training={"seeds": 1}), splits, "captions")
    model, columns = config.model, splits.train.columns
    words = model.embedding_size is None and config.data.tokens in WORDS
    found = {"inputs": list(columns.prompts), "target": columns.target}
    config = config.changed(data=found, model={"embedding_size": model.hidden_size if words else model.embedding_size})
    prompts = prompts_in(learnt) if learnt else Cells.of(splits.train, config.data.decimal)
    return PairExperiment(config, splits, prompts, context, learnt)


def load(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Writer:
    return Writer(header, arrays, CaptionConfig, prompts_in(header))


def prompts_in(header: Mapping[str, Any]) -> Cells:
    """Return the `Cells` in the header of a model file."""
    of = header["prompts"]
    columns = [_column(one) for one in typed(list[dict[str, Any]], of["columns"], "prompts")]
    if of["decimal"] not in (".", ","):
        raise ValueError("its decimal mark is none")
    return Cells(columns, of["decimal"])


def _column(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return a column of prompts as a model file has it: its labels, or how its numbers are scaled."""
    name = typed(str, header["name"], "name")
    if "labels" in header:
        labels = typed(list[str], header["labels"], "labels")
        if not len(set(labels)) == len(labels) > 0:
            raise ValueError("the labels of a prompt are none")
        return {"name": name, "labels": labels}
    centre, scale = array(header["centre"], "centre"), array(header["scale"], "scale", above=0)
    return {"name": name, "centre": float(centre), "scale": float(scale)}
