"""Model files whose header or arrays somebody edited, with a right checksum: refused by what is wrong, before it is
used, and before anything is allocated."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnncli.errors import ModelFileError
from rnncli.nn import model_file
from rnncli.workflows.opening import open_model, open_sound

WHOLE = Path(__file__).parents[1] / "models_of_0_1"
Change = Callable[[dict[str, Any], dict[str, np.ndarray]], object]


def refused(kind: str, folder: Path, change: Change) -> str:
    """What is said of a model of this kind with a change of its header or its arrays."""
    arrays, header = model_file.read(WHOLE / kind / "model.safetensors")
    path = folder / "model.safetensors"
    model_file.write(path, arrays, header)
    open_sound(str(path))
    change(header, arrays)
    model_file.write(path, arrays, header)
    tracemalloc.start()
    with pytest.raises(ModelFileError) as caught:
        open_sound(str(path))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50e6
    assert str(caught.value).startswith(f"{path}: ")
    assert "\x1b" not in str(caught.value)
    return str(caught.value)


def of(*keys: str, value: Any) -> Change:
    """Set a key of the header."""

    def change(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        for key in keys[:-1]:
            header = header[key]
        header[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("forecast", of("data", "context", value=10**6), "a context of 1,000,000 rows, and its longest series has 36"),
        ("forecast", of("data", "horizon", value=10**8), "a horizon of 100,000,000 rows is longer than any"),
        ("forecast", of("series", "channels", value=5), "tells apart other series than it has"),
        ("forecast", of("series", "fixed", value=[[[1.0]], [[0.0]]]), "fixed are too small"),
        ("forecast", of("series", "panel", "lengths", value=[True]), "lengths.0"),
        ("forecast", of("series", "panel", "ids", value=[3]), "ids.0"),
        ("forecast", of("series", "columns", "past", value=["x"]), "its covariates are not those"),
        (
            "forecast",
            of("series", "panel", "words", value={"past.a": ["x" * 10_000], "past.b": ["x" * 10_000, *[""] * 25_000]}),
            "one of its words is far longer than the others",
        ),
        ("forecast", of("series", "power", value="1"), "power"),
        ("seq2seq", of("longest", value=10**8), "longest is 100000000, and no answer has more than 100,000 tokens"),
        ("seq2seq", of("longest", value=5.0), "longest"),
        ("seq2seq", of("columns", "width", value="2"), "columns.width"),
        ("seq2seq", of("columns", "prompts", value=["x"]), "its columns are none"),
        ("caption", of("prompts", "decimal", value=1), "its decimal mark is none"),
        ("caption", of("prompts", "columns", value=[{"name": "size", "centre": 1.0, "scale": 0}]), "scale are too"),
        ("classify", of("answers", "labels", value=["no", "no"]), "its labels and their counts do not fit"),
        ("classify", of("answers", "counts", value=[17]), "its labels and their counts do not fit"),
        ("classify", of("columns", "\x1b[2J", value=1), 'columns has \\"\\\\x1b[2J'),
        ("classify-words", of("answers", "scale", value="x"), "scale"),
        ("regress", of("answers", "scale", value=0), "scale are too small"),
        ("regress", of("answers", "centre", value=[1]), "centre have the shape 1"),
        ("tag", of("tags", value=["D", "N", 7]), "tags.2"),
        ("language-model", of("vocabulary", "kind", value="bytes"), "the vocabulary in the model file is damaged"),
        (
            "language-model",
            of("vocabulary", "tokens", value=["<unk>", 97]),
            "has shape (18, 10), this model needs",
        ),
        ("language-model", of("model", "hidden_size", value=65_536), "it would be far larger than its file"),
        ("language-model", of("model", "num_layers", value=64), "lacks 'rnn.weight_ih_l1'"),
        ("language-model", of("model", "hidden_size", value=None), "model.hidden_size: is null"),
        ("language-model", of("model", value=[]), "make sense"),
        ("language-model", lambda header, arrays: header.pop("data"), "misses 'data'"),
        ("language-model", lambda header, arrays: header.pop("vocabulary"), "misses 'vocabulary'"),
        ("language-model", lambda header, arrays: arrays.pop("head.bias"), "lacks 'head.bias'"),
        ("language-model", lambda header, arrays: arrays.update({"../../x": np.ones(2)}), 'has no "../../x"'),
        ("language-model", lambda header, arrays: arrays.update({"\x1b": np.ones(2)}), 'has no "\\x1b"'),
        ("language-model", lambda header, arrays: arrays.update({"head.bias": np.ones(10, "u1")}), "of type uint8"),
        ("language-model", of("task", value="follow"), "made for the task"),
    ],
)
def test_what_no_training_wrote_is_refused(kind: str, change: Change, says: str, tmp_path: Path) -> None:
    assert says in refused(kind, tmp_path, change)


def test_a_precision_is_not_set_in_what_is_no_section(tmp_path: Path) -> None:
    arrays, header = model_file.read(WHOLE / "language-model" / "model.safetensors")
    model_file.write(tmp_path / "m.safetensors", arrays, header | {"training": 5})
    model = open_model(str(tmp_path / "m.safetensors"))
    with pytest.raises(ModelFileError, match="training is no section"):
        model.in_precision("bfloat16")
