"""One encoder-decoder and a batch of unequal sources and targets, for tests."""

import itertools

import numpy as np

from rnncli.kernels import losses
from rnncli.nn.encoder_decoder import EncoderDecoder, PairShape
from rnncli.nn.parameters import Share

LENGTHS, SPANS = np.array([5, 4, 4, 1]), np.array([2, 4, 1, 3])


def small_shape(cell="gru", attention="dot", layers=1, *, bidirectional=True, encodes=True, embedding=None, **more):
    return PairShape(
        cell=cell,
        source_size=4,
        target_size=3,
        hidden_size=3,
        num_layers=layers,
        encodes=encodes,
        embedding_size=embedding,
        attention=attention if encodes else None,
        encoder_bidirectional=bidirectional,
        **more,
    )


class Pairs:
    """Random sources, longest first, and targets of other lengths, on a model with random weights.

    Its arrays are bigger than the batch, and full of what must not be read.
    """

    def __init__(self, shape, dtype=np.float64, lengths=LENGTHS, spans=SPANS, seed=0):
        self.shape, self.lengths, self.spans, self.dtype = shape, lengths, spans, np.dtype(dtype)
        random = np.random.default_rng(seed)
        self.model = EncoderDecoder(shape, self.dtype)
        spread = 1.1 / np.sqrt(shape.hidden_size)
        self.model.parameters.load({s.name: random.normal(0, spread, s.shape) for s in self.model.parameters.declared})
        B, S, T = len(spans), max(lengths), max(spans)
        whole = self.model.workspace(S + 2, T + 1, B, training=True)
        for stack in filter(None, (whole.encoder, whole.decoder)):
            for layer in stack.directions:
                layer.h[1:], layer.dh[1:], layer.a[...] = 7.0, 7.0, 7.0
        self.work = whole.of_lengths(lengths if shape.encodes else None, spans)
        self.vector = random.normal(0, 1, self.work.vector.shape).astype(dtype)
        if shape.encodes:
            self.work.encoder.tokens[...] = random.integers(0, shape.source_size, (S, B))
            self.work.encoder.clear_state()
        self.work.decoder.tokens[...] = random.integers(0, shape.target_size, (T, B))
        self.work.decoder.tokens[0] = shape.end
        self.targets = random.integers(0, shape.target_size + 1, (T, B)).astype(np.int32)
        for b, span in enumerate(spans):
            self.targets[span:, b] = losses.IGNORED
        self.count = int(spans.sum())

    def run_forward(self, shards=1):
        """The mean loss; work.outputs become its gradient, a copy of what they were stays in self.outputs."""
        work, model = self.work, self.model
        model.pack()
        if not self.shape.encodes:
            work.vector[...] = self.vector
        for low, high in self._edges(shards):
            model.forward(work, low, high)
        self.outputs = work.outputs.copy()
        per_step = np.zeros(work.outputs.shape[:2])
        losses.softmax_cross_entropy(
            work.outputs, self.targets, per_step, self.dtype.type(1 / self.count), 0, len(self.spans)
        )
        return losses.total(per_step) / self.count

    def run_backward(self, shards=1):
        """Every gradient by name, in PyTorch's shapes, and that of the vector where it is given."""
        self.run_forward(shards)
        for low, high in self._edges(shards):
            self.model.backward(self.work, low, high)
        shares = [Share(i, shards) for i in range(shards)]
        for share in shares:
            self.model.weight_gradients(self.work, share)
        for share in shares:
            self.model.finish_gradients(share)
        gradients = self.model.parameters.export_gradients()
        return gradients if self.shape.encodes else gradients | {"vector": self.work.dvector.copy()}

    def variables(self):
        """Every array that the loss depends on, by the name of its gradient; changing one changes the loss."""
        parameters = self.model.parameters
        views = {
            s.name: parameters.view(s.name).T if s.transposed else parameters.view(s.name) for s in parameters.declared
        }
        return views if self.shape.encodes else views | {"vector": self.vector}

    def _edges(self, shards):
        B = len(self.spans)
        return itertools.pairwise([B * i // shards for i in range(shards + 1)])
