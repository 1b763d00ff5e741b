"""A model that was trained in PyTorch goes on here: its logits are those that it had there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import torch
from safetensors.numpy import save_file

from rnncli.tasks.language_model.decoding import Decoder
from rnncli.workflows.opening import open_sound
from tests.cli.cli_runs import run

pytestmark = pytest.mark.parity
TEXT = "the hen ran to the fox and the fox sat by the hen\n" * 20
TOKENS = sorted({*TEXT})


def trained(kind: str) -> Any:
    """A small character model, the usual twenty lines."""
    torch.manual_seed(1)

    class Model(torch.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(len(TOKENS), 8)
            self.rnn = getattr(torch.nn, kind)(8, 16, num_layers=2, batch_first=True)
            self.fc = torch.nn.Linear(16, len(TOKENS))

        def forward(self, ids: Any) -> Any:
            return self.fc(self.rnn(self.embed(ids))[0])

    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    ids = torch.tensor([TOKENS.index(character) for character in TEXT]).reshape(10, -1)
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:])
        loss.backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_the_logits_are_those_of_pytorch(kind: str, tmp_path: Path) -> None:
    model = trained(kind)
    save_file(
        {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}, tmp_path / "w.safetensors"
    )
    (tmp_path / "tokens.json").write_text(json.dumps(TOKENS), encoding="utf-8")
    task = ("--task", "language-model", "--vocabulary", "tokens.json")
    run("import", "w.safetensors", *task, "-o", "run", cwd=tmp_path).ok()
    ours: Any = open_sound(str(tmp_path / "run")).load()
    for text in ("the hen ", "fox", TEXT[:200]):
        with torch.no_grad():
            wanted = model(torch.tensor([[TOKENS.index(character) for character in text]]))[0, -1].numpy()
        logits = Decoder(ours.network, 0).read(ours.vocabulary.encode(text))[1:]
        assert np.abs(logits - wanted).max() < 1e-5
