"""Load the network of this folder into PyTorch; as a program, compare it with what rnncli computed of the test vector.

`from load import load; outputs, state = load()(tokens, lengths)`, tokens (time, batch) int64 and lengths (batch,), or
values (time, batch, I) in place of tokens. `state` goes on from there where it is given as the third argument.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HERE = Path(__file__).parent
CONFIG = json.loads((HERE / "config.json").read_text(encoding="utf-8"))


class Network(nn.Module):
    def __init__(self, of):
        super().__init__()
        self.of, width = of, of.hidden_size * (2 if of.bidirectional else 1)
        self.embedding = nn.Embedding(of.input_size, of.embedding_size) if of.embedding_size else None
        kind, more = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[of.cell], {"bidirectional": of.bidirectional}
        more |= {"nonlinearity": of.nonlinearity} if of.cell == "rnn" else {}
        self.rnn = kind(of.embedding_size or of.input_size, of.hidden_size, of.num_layers, **more)
        self.pooling = nn.ParameterDict({"weight": torch.zeros(width)} if of.pooling == "attention" else {})
        self.head = nn.Linear(width, of.output_size)

    def forward(self, x, lengths, state=None):
        if self.embedding is not None:
            x = self.embedding(x)
        elif self.of.reads == "tokens":
            x = nn.functional.one_hot(x, self.of.input_size).float()
        y, state = self.rnn(pack_padded_sequence(x, lengths, enforce_sorted=False), state)
        y, _ = pad_packed_sequence(y, total_length=len(x))
        within = (torch.arange(len(x))[:, None] < lengths)[:, :, None]  # (time, batch, 1)
        if self.of.pooling is None:
            return self.head(y) * within, state
        return self.head(self.pooled(y, lengths, within, state)), state

    def pooled(self, y, lengths, within, state):
        if self.of.pooling == "last":
            h = state[0] if isinstance(state, tuple) else state
            return torch.cat([h[-2], h[-1]], 1) if self.of.bidirectional else h[-1]
        if self.of.pooling == "mean":
            return y.sum(0) / lengths[:, None]
        if self.of.pooling == "max":
            return y.masked_fill(~within, -torch.inf).amax(0)
        scores = (y @ self.pooling["weight"])[:, :, None]
        return (y * scores.masked_fill(~within, -torch.inf).softmax(0)).sum(0)


def load():
    network, weights = Network(SimpleNamespace(**CONFIG["architecture"])), load_file(HERE / "model.safetensors")
    network.load_state_dict({name: one for name, one in weights.items() if not name.startswith("crf.")})
    return network.eval()


if __name__ == "__main__":
    test = CONFIG["test"]
    with torch.no_grad():
        outputs, _ = load()(torch.tensor(test["inputs"]), torch.tensor(test["lengths"]))
    expected = torch.tensor(test["outputs"])
    apart = ((outputs - expected).abs().max() / expected.abs().max().clamp(min=1)).item()
    print(f"largest difference from rnncli, in units of the largest output above 1: {apart:.1e}")
    raise SystemExit(apart > 1e-5)
