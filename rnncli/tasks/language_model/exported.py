"""A language model for other programs: tokens and states in, logits and new states out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnncli.data.vocabulary import UNKNOWN_NUMBER
from rnncli.errors import UsageError
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.network import batch_of, computed, vectors_of, within
from rnncli.tasks import exported
from rnncli.tasks.exported import LENGTHS, InOnnx, InTorch

if TYPE_CHECKING:
    from rnncli.tasks.language_model.predictor import LanguageModel

_LEFT_OUT = ("drawing of tokens (temperature, top-k, …): it reads and gives logits, and another program draws",)


def in_onnx(model: LanguageModel) -> InOnnx:
    _require_alone(model)
    graph, network = Graph(), model.network
    tokens, lengths = graph.input("tokens", "int64", "time", "batch"), graph.input("lengths", "int64", "batch")
    states = exported.state_inputs(graph, network)
    batch = batch_of(graph, tokens, lengths)
    made = computed(graph, network, vectors_of(graph, network.stack, tokens), batch, states)
    logits = within(graph, made.outputs, batch)
    graph.output("logits", logits, "float32", ("time", "batch", network.shape.output_size))
    exported.state_outputs(graph, network, made)
    given, names = exported.padded(_some(model)), exported.state_names(network)
    ran = exported.run(network, given)
    zeros = {f"{name}_0": np.zeros_like(one) for name, one in zip(names, ran.states, strict=True)}
    ends = {f"{name}_n": one for name, one in zip(names, ran.states, strict=True)}
    inputs = {"tokens": given, "lengths": np.array(LENGTHS), **zeros}
    return InOnnx(graph, _about(model), inputs, {"logits": ran.outputs, **ends}, _LEFT_OUT)


def in_torch(model: LanguageModel) -> InTorch:
    _require_alone(model)
    given = exported.padded(_some(model))
    return InTorch(model.network, _about(model), given, exported.run(model.network, given).outputs)


def _require_alone(model: LanguageModel) -> None:
    if model.is_mixed:
        raise UsageError(
            "training.with_ngram: the 5-gram that this model answers by too is no network; train with "
            "training.with_ngram: false"
        )


def _some(model: LanguageModel) -> list[np.ndarray]:
    return exported.some_tokens(len(model.vocabulary))


def _about(model: LanguageModel) -> dict[str, Any]:
    """Return what is told of tokens: all, by number; how a text is cut into them; which stand for none."""
    vocabulary = model.vocabulary
    return {
        "task": "language-model",
        "vocabulary": list(vocabulary.tokens),
        "tokens": vocabulary.kind,
        "items": model.items,
        "unknown": UNKNOWN_NUMBER,
        "end": vocabulary.end,
    }
