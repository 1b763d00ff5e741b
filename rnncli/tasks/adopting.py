"""What the tasks that take networks of other programs share: their configs, and the kind of their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnncli.config.sections import C, Config
from rnncli.data.text import BYTES
from rnncli.data.vocabulary import UNKNOWN
from rnncli.errors import UsageError, shown
from rnncli.nn.foreign import EMBEDDING, HEAD, HEAD_BIAS, Foreign
from rnncli.notes import note
from rnncli.tasks.headers import config_in

CHARACTERS, WORDS = "char", "whitespace"
_UNKNOWN = (UNKNOWN, "<UNK>", "[UNK]", "UNK")
_NEVER = 30.0  # nats below the least bias of a head is that of a token that it does not have


@dataclass(frozen=True)
class Given:
    """A network, with the tokens that it reads, None where it reads numbers, and the labels that it answers, None where
    it has none. keys: of the config, by section. where: its file, for messages.
    """

    network: Foreign
    tokens: tuple[str, ...] | None
    labels: tuple[str, ...] | None
    keys: Mapping[str, Any]
    where: str


@dataclass(frozen=True)
class Adopted:
    """The config of a run with a network of another program, and the header and the arrays of its model file. training:
    what its network alone decides of how it will be trained on.
    """

    config: Config
    header: dict[str, Any]
    arrays: dict[str, np.ndarray]
    training: Mapping[str, Any] = field(default_factory=dict)


def kind_of(tokens: tuple[str, ...], keys: Mapping[str, Any]) -> str:
    """Return the kind of the tokens: that of the config, or characters if they are single ones, else words between
    white space. UsageError where characters are longer than one, or bytes are none."""
    longer = next((token for token in tokens if len(token) != 1 and token not in _UNKNOWN), None)
    data = keys.get("data")
    kind = data.get("tokens") if isinstance(data, dict) else None
    if kind == CHARACTERS and longer is not None:
        raise UsageError(f"--set data.tokens=char: the vocabulary has {shown(longer)}, which is no single character")
    if kind in BYTES and (none := next((one for one in tokens if one not in _UNKNOWN and max(one) > "\xff"), None)):
        raise UsageError(f"--set data.tokens={kind}: the vocabulary has {shown(none)}, which is no byte; leave it out")
    return str(kind) if kind else CHARACTERS if longer is None else WORDS


def model_of(network: Foreign) -> dict[str, Any]:
    """Return the keys of `model` that the network's arrays tell."""
    return {
        "cell": network.cell,
        "hidden_size": network.hidden_size,
        "num_layers": network.num_layers,
        "embedding_size": network.embedding_size,
    }


def config_of(task: str, given: Given, data: Mapping[str, Any], model: Mapping[str, Any], schema: type[C]) -> C:
    """Return the config of a plain network with these keys and those that are given; UsageError for others of its
    model than the activation and the pooling."""
    if "task" in given.keys:
        raise UsageError("--set task: --task says it; leave it out")
    keys = {section: dict(own) for section, own in given.keys.items() if isinstance(own, dict)}
    for key in keys.get("model", {}):
        if key not in ("activation", "pooling"):
            raise UsageError(f"--set model.{key}: its arrays tell that; leave it out")
    sections = {"data": {**data, **keys.get("data", {})}, "model": {**model, **keys.get("model", {})}}
    return config_in({"task": task, **sections}, schema)


def with_unknown_first(given: Given, *, writes: bool) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return the arrays and the tokens with the unknown one as number 0. A vocabulary that lacks it gets it, with a
    note: it is read as nothing and, of a network that writes tokens, never expected.
    """
    network, tokens = given.network, given.tokens or ()
    at = next((tokens.index(own) for own in _UNKNOWN if own in tokens), None)
    others = [number for number in range(len(tokens)) if number != at]

    def moved(array: np.ndarray, first: float = 0.0) -> np.ndarray:
        row = np.full((1, *array.shape[1:]), first, array.dtype) if at is None else array[at : at + 1]
        return np.concatenate([row, array[others]])

    arrays = dict(network.arrays)
    if network.embedding_size is not None:
        arrays[EMBEDDING] = moved(arrays[EMBEDDING])
    else:
        for name in [name for name in arrays if name.startswith("rnn.weight_ih_l0")]:
            arrays[name] = moved(arrays[name].T).T
    if writes:
        arrays |= {HEAD: moved(arrays[HEAD])} if HEAD in arrays else {}
        arrays[HEAD_BIAS] = moved(arrays[HEAD_BIAS], float(arrays[HEAD_BIAS].min()) - _NEVER)
    if at is None:
        note(f"the vocabulary has no token for unknown ones, which is added: {UNKNOWN}")
    return arrays, (UNKNOWN, *(tokens[number] for number in others))
