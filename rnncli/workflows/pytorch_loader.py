"""Load the network of this folder into PyTorch; as a program, compare it with what rnncli computed of the test vector.

`from load import load; outputs, state = load()(tokens, lengths)`, tokens (time, batch) int64 and lengths (batch,), or
values (time, batch, I) in place of tokens. `state` goes on from there where it is given as the third argument.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

HERE = Path(__file__).parent
CONFIG = json.loads((HERE / "config.json").read_text(encoding="utf-8"))


class Network(nn.Module):
    def __init__(
        self,
        cell,
        nonlinearity,
        reads,
        input_size,
        embedding_size,
        hidden_size,
        num_layers,
        bidirectional,
        pooling,
        output_size,
    ):
        super().__init__()
        self.one_hot, self.pools = (input_size if reads == "tokens" and not embedding_size else 0), pooling
        self.embedding = nn.Embedding(input_size, embedding_size) if embedding_size else None
        kind, how = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell], {"bidirectional": bidirectional}
        how |= {"nonlinearity": nonlinearity} if cell == "rnn" else {}
        self.rnn = kind(embedding_size or input_size, hidden_size, num_layers, **how)
        width = 2 * hidden_size if bidirectional else hidden_size
        self.pooling = nn.ParameterDict({"weight": torch.zeros(width)} if pooling == "attention" else {})
        self.head = nn.Linear(width, output_size)

    def forward(self, x, lengths, state=None):
        x = (
            self.embedding(x)
            if self.embedding
            else nn.functional.one_hot(x, self.one_hot).float()
            if self.one_hot
            else x
        )
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        y, state = self.rnn(packed, state)
        y, _ = nn.utils.rnn.pad_packed_sequence(y, total_length=len(x))
        within = (torch.arange(len(x))[:, None] < lengths)[:, :, None]  # (time, batch, 1)
        if self.pools == "last":
            h = state[0] if isinstance(state, tuple) else state
            y = torch.cat([h[-2], h[-1]], 1) if self.rnn.bidirectional else h[-1]
        elif self.pools == "mean":
            y = y.sum(0) / lengths[:, None]
        elif self.pools == "max":
            y = y.masked_fill(~within, -torch.inf).amax(0)
        elif self.pools == "attention":
            scores = (y @ self.pooling["weight"])[:, :, None]
            y = (y * scores.masked_fill(~within, -torch.inf).softmax(0)).sum(0)
        outputs = self.head(y)
        return (outputs if self.pools else outputs * within), state


def load():
    network = Network(**CONFIG["architecture"])
    weights = load_file(HERE / "model.safetensors")
    network.load_state_dict({name: one for name, one in weights.items() if not name.startswith("crf.")})
    return network.eval()


if __name__ == "__main__":
    test = CONFIG["test"]
    given, lengths = torch.tensor(test["inputs"]), torch.tensor(test["lengths"])
    with torch.no_grad():
        outputs, _ = load()(given, lengths)
    expected = torch.tensor(test["outputs"])
    apart = ((outputs - expected).abs().max() / expected.abs().max().clamp(min=1)).item()
    print(f"largest difference from rnncli, in units of the largest output above 1: {apart:.1e}")
    raise SystemExit(apart > 1e-5)
