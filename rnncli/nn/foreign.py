"""Networks of other programs: an nn.RNN, nn.GRU or nn.LSTM between an embedding, if any, and a linear head, told by
the names and the shapes of their arrays.

The recurrent part goes by PyTorch's names after any prefix, and its shapes tell the cell, the sizes, the layers and the
directions. An embedding and a head are known by their shapes and, where both would fit, by a bias or their names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.errors import ModelFileError, UsageError, amount, shown
from rnncli.nn.network import FLOAT32

CELLS_BY_GATES = {1: "rnn", 3: "gru", 4: "lstm"}
EMBEDDING, HEAD, HEAD_BIAS = "embedding.weight", "head.weight", "head.bias"
_RECURRENT = re.compile(r"(?:.*\.)?((?:weight|bias)_(?:ih|hh)_l([0-9]{1,4})(?:_reverse)?)")
_OF_EMBEDDINGS = re.compile(r"emb|encoder|lookup|wte", re.I)
_OF_HEADS = re.compile(r"head|fc|linear|out|decoder|proj|classif|logit|dense", re.I)
_NAMED = 5  # tensors that a message names

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Foreign:
    """A network: its float32 arrays by rnncli's names, of which biases of zero are added where it has none.

    embedding_size: None where it has no embedding. tied: the head's weights are the embedding's.
    """

    cell: str
    input_size: int
    hidden_size: int
    num_layers: int
    bidirectional: bool
    embedding_size: int | None
    tied: bool
    arrays: Arrays

    @property
    def outputs(self) -> int:
        return len(self.arrays[HEAD_BIAS])


@dataclass(frozen=True)
class _Layers:
    """The recurrent part: cell, sizes, and all of its arrays."""

    cell: str
    inputs: int
    hidden: int
    layers: int
    bidirectional: bool
    arrays: Arrays

    @property
    def width(self) -> int:
        """The number of outputs of the topmost layer at each step."""
        return self.hidden * (2 if self.bidirectional else 1)


def recognised(
    tensors: Mapping[str, np.ndarray], names: Mapping[str, str], vocabulary: int | None, where: str
) -> Foreign:
    """Return the network that these tensors are. names: rnncli's names of some of them. vocabulary: the number of
    tokens, None for a network that reads numbers. where: the file, for messages.

    UsageError for tensors that are none of its, or may be several of its; ModelFileError where some are missing or do
    not fit each other.
    """
    ours = _named(tensors, names, where)
    for name in tensors:
        if name not in names and (found := _RECURRENT.fullmatch(name)):
            if (own := f"rnn.{found[1]}") in ours:
                both = " and ".join(map(shown, (ours[own], name)))
                raise UsageError(f"{where}: has more than one recurrent part ({both}); a network of one is imported")
            ours[own] = name
    part = _layers({own: tensors[name] for own, name in ours.items() if own.startswith("rnn.")}, where)
    rest = {name: array for name, array in tensors.items() if name not in ours.values()}
    ours |= _around(ours, rest, vocabulary, part, where)
    if unknown := sorted(set(tensors) - set(ours.values())):
        raise UsageError(
            f"{where}: has tensors that are neither of an nn.RNN, GRU or LSTM, nor of an embedding or a linear head: "
            f"{_listed(unknown)}; leave them out, or name one that is: --map THEIRS={HEAD}"
        )
    return _whole(part, {own: tensors[name] for own, name in ours.items()}, vocabulary, where)


def _named(tensors: Mapping[str, np.ndarray], names: Mapping[str, str], where: str) -> dict[str, str]:
    """Return the tensors that the user names, by rnncli's names."""
    ours: dict[str, str] = {}
    for theirs, own in names.items():
        asked = f"--map {theirs}={own}"
        if theirs not in tensors:
            raise UsageError(f"{asked}: {where} has no tensor {shown(theirs)}; it has {_listed(sorted(tensors))}")
        recurrent = own.startswith("rnn.") and _RECURRENT.fullmatch(own)
        if not recurrent and own not in (EMBEDDING, HEAD, HEAD_BIAS):
            raise UsageError(f"{asked}: name {EMBEDDING}, {HEAD}, {HEAD_BIAS}, rnn.weight_ih_l0 or another of rnn.…")
        if own in ours:
            raise UsageError(f"{asked}: {shown(ours[own])} is that, too; name each once")
        ours[own] = theirs
    return ours


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(map(shown, names[:_NAMED])) + (f" and {more:,} more" if more > 0 else "")


def _layers(arrays: Arrays, where: str) -> _Layers:
    """Return the recurrent part that these arrays are, as their shapes tell it."""
    first, read = (arrays.get(f"rnn.weight_{kind}_l0") for kind in ("hh", "ih"))
    if first is None or read is None:
        raise UsageError(
            f"{where}: has no weight_ih_l0 and weight_hh_l0, as an nn.RNN, GRU or LSTM has; name another file"
        )
    if first.ndim != 2 or read.ndim != 2 or not first.shape[1] or first.shape[0] % first.shape[1]:
        raise ModelFileError(f"{where}: weight_hh_l0 has the shape {first.shape}, which no cell has; save it again")
    inputs, hidden, gates = read.shape[1], first.shape[1], first.shape[0] // first.shape[1]
    if gates not in CELLS_BY_GATES or not inputs:
        raise ModelFileError(f"{where}: its cell has {gates} gates; an rnn has 1, a gru 3, an lstm 4")
    numbers = [int(found[2]) for name in arrays if (found := _RECURRENT.fullmatch(name))]
    ways = ("", "_reverse") if "rnn.weight_ih_l0_reverse" in arrays else ("",)
    count = 1 + max(numbers)
    if 2 * count * len(ways) > len(arrays):
        raise ModelFileError(f"{where}: has weights of layer {count:,}, and not of all below it; save them all")
    wanted = {
        f"rnn.{kind}_l{layer}{way}": (gates * hidden, *columns)
        for layer in range(count)
        for way in ways
        for kind, columns in (
            ("weight_ih", (hidden * len(ways) if layer else inputs,)),
            ("weight_hh", (hidden,)),
            ("bias_ih", ()),
            ("bias_hh", ()),
        )
    }
    for name in wanted | arrays:
        shape, array = wanted.get(name), arrays.get(name)
        if array is None and shape is not None and len(shape) == 2:
            raise ModelFileError(f"{where}: has no {name.removeprefix('rnn.')}; save all of its tensors")
        if array is not None and array.shape != shape:
            needed = "it is of no layer" if shape is None else f"not {shape}"
            raise ModelFileError(f"{where}: {name.removeprefix('rnn.')} has the shape {array.shape}, and {needed}")
    whole = {name: arrays[name] if name in arrays else np.zeros(shape, FLOAT32) for name, shape in wanted.items()}
    return _Layers(CELLS_BY_GATES[gates], inputs, hidden, count, len(ways) == 2, whole)


def _around(
    ours: Mapping[str, str], rest: Mapping[str, np.ndarray], vocabulary: int | None, part: _Layers, where: str
) -> dict[str, str]:
    """Return which of the other tensors are the embedding, the head and its bias, by rnncli's names."""
    found: dict[str, str] = {}
    matrices = [name for name, array in rest.items() if array.ndim == 2]
    heads = [name for name in matrices if HEAD not in ours and rest[name].shape[1] == part.width]
    embeddings = [
        name
        for name in matrices
        if EMBEDDING not in ours and vocabulary is not None and rest[name].shape == (vocabulary, part.inputs)
    ]
    for name in [name for name in embeddings if name in heads]:
        biased = _bias_of(name) in rest
        if biased or (_OF_HEADS.search(name) and not _OF_EMBEDDINGS.search(name)) or vocabulary == part.inputs:
            embeddings.remove(name)
        elif _OF_EMBEDDINGS.search(name):
            heads.remove(name)
    if not embeddings and EMBEDDING not in ours:  # of another vocabulary, as will be told
        wide = [name for name in matrices if rest[name].shape[1] == part.inputs and name not in heads]
        embeddings = [name for name in wide if _OF_EMBEDDINGS.search(name)]
    if embeddings == heads and len(heads) == 1:  # one that is both, without a name
        heads = []
    for own, candidates, what in ((EMBEDDING, embeddings, "the embedding"), (HEAD, heads, "the head")):
        if len(candidates) > 1:
            raise UsageError(
                f"{where}: {_listed(sorted(candidates))} may each be {what}; say which: --map THEIRS={own}"
            )
        if candidates:
            found[own] = candidates[0]
    head = found.get(HEAD) or ours.get(HEAD)
    biases = [_bias_of(head)] if head else [name for name in rest if rest[name].ndim == 1]
    if HEAD_BIAS not in ours and len(biases) == 1 and biases[0] in rest:
        found[HEAD_BIAS] = biases[0]
    return found


def _bias_of(weight: str) -> str:
    return f"{weight.removesuffix('weight')}bias"


def _whole(part: _Layers, around: Arrays, vocabulary: int | None, where: str) -> Foreign:
    """Return the network of these arrays; an error where its embedding and its head do not fit it."""
    embedding, head = around.get(EMBEDDING), around.get(HEAD)
    if embedding is not None and (embedding.ndim != 2 or embedding.shape[1] != part.inputs):
        raise ModelFileError(
            f"{where}: its embedding has the shape {embedding.shape}, and its network reads {part.inputs:,} values"
        )
    if embedding is not None and len(embedding) != vocabulary:
        given = "which --vocabulary FILE is to name" if vocabulary is None else f"and --vocabulary names {vocabulary:,}"
        raise UsageError(f"{where}: has an embedding of {amount(len(embedding), 'token')}, {given}")
    if embedding is None and vocabulary not in (None, part.inputs):
        raise UsageError(
            f"{where}: has no embedding of {amount(vocabulary or 0, 'token')}, as the vocabulary has, and reads "
            f"{amount(part.inputs, 'value')}; give the vocabulary that it was trained with, or none"
        )
    tied = head is None and embedding is not None and part.inputs == part.width
    weights = embedding if tied else head
    if weights is None or weights.ndim != 2 or weights.shape[1] != part.width or not len(weights):
        raise UsageError(
            f"{where}: has no linear head of {amount(part.width, 'column')}; say which it is: --map THEIRS={HEAD}"
        )
    bias = around.get(HEAD_BIAS, np.zeros(len(weights), FLOAT32))
    if bias.shape != (len(weights),):
        raise ModelFileError(f"{where}: the bias of its head has the shape {bias.shape}, and not {(len(weights),)}")
    arrays = {**part.arrays, **({} if tied else {HEAD: weights}), HEAD_BIAS: bias}
    return Foreign(
        cell=part.cell,
        input_size=part.inputs,
        hidden_size=part.hidden,
        num_layers=part.layers,
        bidirectional=part.bidirectional,
        embedding_size=None if embedding is None else part.inputs,
        tied=tied,
        arrays=arrays if embedding is None else {**arrays, EMBEDDING: embedding},
    )
