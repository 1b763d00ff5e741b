"""Networks of other programs that answer for a sequence, or for each of its steps."""

from __future__ import annotations

from typing import Any

from rnncli.config.sections import Config
from rnncli.data.vocabulary import UNKNOWN, Vocabulary
from rnncli.errors import UsageError, amount
from rnncli.tasks.adopting import CHARACTERS, Adopted, Given, config_of, kind_of, model_of, with_unknown_first
from rnncli.tasks.sequences.answers import Answers
from rnncli.tasks.sequences.examples import Columns
from rnncli.tasks.sequences.one_answer import OneAnswer
from rnncli.tasks.sequences.tagged import TagColumns

LABEL = "label"


def adopted(task: str, given: Given, schema: type[Config]) -> Adopted:
    """Return the config and the header of this network; UsageError where it has no such answers.

    Numbers are read and answered as they are, and of the steps of a sequence the last is answered by.
    """
    network, tag = given.network, task == "tag"
    model = model_of(network) | {"bidirectional": network.bidirectional, "word_dropout": 0.0, "character_size": 0}
    model |= {"head": "softmax", "affix_size": 0} if tag else {"pooling": "last"}
    data: dict[str, Any] = {"encoding": "utf-8", "folds": 0}  # which would start from weights that have seen them
    data |= {} if tag else {"residual": "none", "tokens": CHARACTERS}
    if given.tokens is None:
        data |= {"scaling": "none", "differences": False}
    elif not tag:
        data["tokens"] = kind_of(given.tokens, given.keys)
    config = config_of(task, given, data, model, schema)
    kept = Answers.kept if tag else OneAnswer.kept
    answers, arrays, tokens = _answers(task, given, config), given.network.arrays, None
    if given.tokens is not None:
        arrays, tokens = with_unknown_first(given, writes=False)
    header: dict[str, Any] = {
        "task": task,
        "data": {key: getattr(config.data, key) for key in kept if hasattr(config.data, key)},
        "model": config.model.model_dump(),
        "columns": _columns(given, config, tag=tag).to_header(),
        "encoder": _encoder(tokens, network.input_size, config),
        "answers": answers,
    }
    return Adopted(config, header, arrays, {"seeds": 1})


def _columns(given: Given, config: Any, *, tag: bool) -> Columns | TagColumns:
    """Return the columns that new data are read in: those of the config, or the usual ones."""
    data = config.data
    label, identity = str(data.label or LABEL), str(data.id or "id")
    inputs = tuple(map(str, data.listed_inputs or [f"x{i + 1}" for i in range(given.network.input_size)]))
    if given.tokens is None:
        if len(inputs) != given.network.input_size:
            raise UsageError(f"--set data.inputs: the network reads {amount(given.network.input_size, 'column')}")
        if tag:
            return TagColumns("table", None, inputs, identity, label, len(inputs) + 2, None)
        return Columns("long", None, inputs, identity, label)
    if tag:
        return TagColumns("columns", "1", (), None, "2", 2, None)
    return Columns("text", str(data.text or "text"), (), None, label)


def _encoder(tokens: tuple[str, ...] | None, size: int, config: Any) -> dict[str, Any]:
    """Return what reads tokens, or `size` numbers as they are."""
    if tokens is None:
        return {"centre": [0.0] * size, "scale": [1.0] * size}
    if getattr(config.data, "tokens", None) == CHARACTERS:
        return {"vocabulary": Vocabulary(tokens, "char").to_header()}
    characters = (UNKNOWN, *sorted({character for word in tokens[1:] for character in word}))
    kind: Any = getattr(config.data, "kind", "word")
    return {
        "words": Vocabulary(tokens, kind).to_header(),
        "characters": Vocabulary(characters, "char").to_header(),
    }


def _answers(task: str, given: Given, config: Any) -> dict[str, Any]:
    outputs, labels = given.network.outputs, given.labels
    if task == "regress":
        if outputs != 1 or labels is not None:
            raise UsageError(f"{given.where}: has {amount(outputs, 'output')}, and a number is one, without --labels")
        label = str(config.data.label or LABEL)
        return {"label": label, "decimal": config.data.decimal, "centre": 0.0, "scale": 1.0}
    if labels is None:
        raise UsageError(f"{task} needs the names of its {amount(outputs, 'output')}; name them with --labels FILE")
    if len(labels) != outputs:
        raise UsageError(f"{given.where}: has {amount(outputs, 'output')}, and --labels names {len(labels):,}")
    return {"tags": list(labels)} if task == "tag" else {"labels": list(labels), "counts": [1] * outputs}
