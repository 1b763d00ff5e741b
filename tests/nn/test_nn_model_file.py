"""Model files: what is written comes back, a failure keeps the old file, and damage of any kind is told as such."""

import io
import json
import os
import pickle
import random
import tracemalloc
import zipfile

import numpy as np
import pytest
import safetensors.numpy
from extras import torch
from windows import IN_TORCH

from rnncli.errors import MachineError, ModelFileError
from rnncli.nn import model_file
from rnncli.nn.network import Network, NetworkShape

ARRAYS = {
    "rnn.w": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4),
    "head.b": np.array([0.5, -0.0], np.float32),
    "first": np.zeros(0, np.float32),  # what an optimizer without moments keeps
    "double": np.array([[np.pi, 1e-300]]),
}
HEADER = {
    "task": "language-model",
    "vocabulary": {"kind": "char", "tokens": [10, 97, 0xD800, 0x1F600]},
    "text": 'quote " backslash \\ é \ud800 \n',
    "number": 0.1,
    "nothing": None,
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.safetensors"


def written(path, arrays=ARRAYS, header=HEADER):
    model_file.write(path, arrays, header)
    return path.read_bytes()


def refused(path, content):
    """The message that these bytes get."""
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        model_file.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


def raw(outer, payload=b""):
    text = outer if isinstance(outer, bytes) else json.dumps(outer).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + payload


def changed(content, change):
    """The same file with another outer header, which `change` edits."""
    size = int.from_bytes(content[:8], "little")
    outer = json.loads(content[8 : 8 + size])
    change(outer)
    return raw(outer, content[8 + size :])


def test_round_trip(path):
    written(path)
    arrays, header = model_file.read(path)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        assert arrays[name].tobytes() == array.tobytes()
    assert header.items() >= HEADER.items()
    assert header["format"] == 1


def test_the_bytes_are_those_of_the_library_safetensors(path):
    names = ["w", "a.b", "é", "😀", "\x00\x1f\x7f", 'quote" \\', "tab\t\n\r\b\f", "Z", "/", "\u2028"]
    types = [np.float32, np.float64, np.uint8, np.uint16, np.uint32]
    shapes = [(3,), (0,), (2, 3), (1, 1, 5), (2, 0)]
    for i in range(60):
        chosen = random.Random(i).sample(names, i % len(names))
        arrays = {name: np.ones(shapes[(i + k) % 5], types[i * k % 5]) for k, name in enumerate(chosen)}
        content = written(path, arrays, {"text": names[: i % 4]})
        size = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + size])["__metadata__"]
        assert content == safetensors.numpy.save(arrays, metadata)


def test_only_its_owner_reads_it(path):
    written(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_write_takes_no_memory_beside_its_arrays(path):
    arrays = {f"w{i}": np.ones((500, 500), np.float32) for i in range(4)}
    tracemalloc.start()
    model_file.write(path, arrays, HEADER)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000  # of 4,000,000 bytes


def test_a_view_that_is_not_contiguous_is_written_as_what_it_shows(path):
    written(path, {"w": ARRAYS["rnn.w"].T[::2]}, {})
    assert np.array_equal(model_file.read(path)[0]["w"], ARRAYS["rnn.w"].T[::2])


def test_the_same_content_is_the_same_bytes_in_whatever_order_it_comes(path):
    once = written(path)
    for _ in range(3):
        assert written(path) == once
    assert written(path, dict(reversed(ARRAYS.items())), dict(reversed(HEADER.items()))) == once
    assert written(path, ARRAYS, HEADER | {"number": 0.2}) != once


def test_every_length_of_header_is_read_back(path):
    """The first byte of the file is the low byte of that length: no value of it may look like a foreign file."""
    for length in range(0, 2100, 4):
        written(path, {}, {"x": "x" * length})
        assert model_file.read(path)[1]["x"] == "x" * length


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_write_keeps_the_old_file_and_leaves_nothing_else(path, monkeypatch, step):
    old = written(path)

    def fail(*arguments, **places):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(MachineError, match=r"No space left on device; the file there before is intact") as caught:
        written(path, {"w": np.ones(1000)})
    assert caught.value.exit_code == 5
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == [path.name]


def test_an_interrupted_write_leaves_no_temporary_file(path, monkeypatch):
    """A second Ctrl-C is a KeyboardInterrupt wherever it lands."""
    old = written(path)

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        written(path, {"w": np.ones(1000)})
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == [path.name]


def test_the_first_write_that_fails_promises_no_earlier_file(path, monkeypatch):
    with pytest.raises(MachineError, match="cannot write: No such file or directory") as caught:
        written(path.parent / "absent" / "m.safetensors")
    assert "intact" not in str(caught.value)


def test_a_whole_write_leaves_one_file(path):
    written(path)
    assert os.listdir(path.parent) == [path.name]


def test_truncated_anywhere(path):
    whole = written(path)
    for size in range(len(whole)):
        refused(path, whole[:size])
    assert refused(path, b"").startswith("truncated, or no model file (have 0 bytes, its header needs 8)")


@pytest.mark.parametrize("tail", [b"\0", b"\0" * 8, b"garbage", b" " * 1000])
def test_trailing_garbage(path, tail):
    refused(path, written(path) + tail)


def test_a_flipped_bit_anywhere_in_the_arrays(path):
    whole = written(path)
    payload = sum(array.nbytes for array in ARRAYS.values())
    for place in range(8 * (len(whole) - payload), 8 * len(whole)):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        assert "checksum mismatch" in refused(path, damaged)


def test_a_flipped_bit_anywhere_in_the_header(path):
    """The vocabulary and the scaling stand there: a changed one makes another model."""
    whole = written(path)
    arrays, header = model_file.read(path)
    harmless = 0
    for place in range(8 * len(whole[: whole.rindex(b"}") + 1])):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            read_arrays, read_header = model_file.read(path)
        except ModelFileError:
            continue
        harmless += 1  # \u00e9 for \u00E9
        assert read_header == header, damaged[place // 8 - 12 : place // 8 + 12]
        assert {name: array.tobytes() for name, array in read_arrays.items()} == {
            name: array.tobytes() for name, array in arrays.items()
        }
    assert harmless < 20


def test_many_bits_flipped_at_once(path):
    whole, flips = written(path), random.Random(1)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(flips.randrange(2, 40)):
            damaged[flips.randrange(len(whole))] ^= 1 << flips.randrange(8)
        refused(path, damaged)


@pytest.mark.parametrize("size", [2**56, 2**63, 2**64 - 1, 2**40, 100_000])
def test_a_header_longer_than_the_file(path, size):
    said = refused(path, size.to_bytes(8, "little") + written(path)[8:])
    assert "truncated" in said
    assert f"{size + 8:,}" in said


def npz():
    file = io.BytesIO()
    np.savez(file, w=np.ones(3))
    return file.getvalue()


def torch_like():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([1]))
    return file.getvalue()


def test_pickles_and_archives_are_named_and_not_opened(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    for protocol in (2, 3, 4, 5):
        assert refused(path, pickle.dumps(Trap(), protocol)).startswith("this is a Python pickle; rnncli never loads")
    assert not (tmp_path / "sprung").exists()
    for content in (npz(), torch_like()):
        assert refused(path, content).startswith("this is a zip archive (a .pt or .npz file?)")


@pytest.mark.parametrize(
    "content",
    [
        b"Once upon a time there was a text that somebody took for a model.\n" * 9,
        raw(b"[]"),
        raw(b"3"),
        raw(b"null"),
        raw(b"\xff\xfe"),
        raw(b"{"),
        raw(b"[" * 50_000),
        raw(b"{}"),
        raw({"__metadata__": 3}),
        raw({"__metadata__": {}}),
        raw({"__metadata__": {"rnncli": 3}}),
        *(raw({"__metadata__": {"rnncli": inner}}) for inner in ("", "[]", "null", "{}", "9" * 5000, "[" * 50_000)),
    ],
)
def test_what_rnncli_did_not_write(path, content):
    refused(path, content)


@pytest.mark.parametrize("version", [0, -1, 2, 99, 10**400, 1.0, True, "1", None, [1], "\x1b[2J"])
def test_another_format_version(path, version):
    def change(outer):
        inner = json.loads(outer["__metadata__"]["rnncli"])
        outer["__metadata__"]["rnncli"] = json.dumps(inner | {"format": version})

    said = refused(path, changed(written(path), change))
    assert "this rnncli reads format 1" in said
    assert "\x1b" not in said
    assert ("a newer rnncli wrote it, so upgrade yours" in said) == (version in (2, 99, 10**400))


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [4, 4]},
        {"shape": [-3, -4]},
        {"shape": [2**63, 2**63]},
        {"shape": [12.0]},
        {"shape": None},
        {"dtype": "F64"},
        {"dtype": "BF16"},
        {"dtype": "F8_E4M3"},
        {"dtype": "X9"},
        {"dtype": "I32"},
        {"shape": [4, 3]},
        {"data_offsets": [0, 10**9]},
        {"data_offsets": [48, 0]},
        {"data_offsets": [4, 52]},
        {"data_offsets": []},
    ],
)
def test_a_tensor_that_says_something_else(path, change):
    refused(path, changed(written(path), lambda outer: outer["rnn.w"].update(change)))


def signed(path, text, arrays=ARRAYS):
    """A file with this text as our header, and the right checksum of what a reader of JSON makes of it."""
    loaded = json.loads(text)
    loaded.pop("sha256", None)
    digest = model_file._digest(loaded, arrays)
    text = text[:-1] + f', "sha256": "{digest}"}}'
    return changed(written(path, arrays), lambda outer: outer["__metadata__"].update(rnncli=text))


def test_a_right_checksum_by_hand_is_read(path):
    path.write_bytes(signed(path, '{"format": 1, "x": 2}'))
    assert model_file.read(path)[1] == {"format": 1, "x": 2}


@pytest.mark.parametrize(
    "text",
    ['"x": 1, "x": 2', '"x": {"y": 1, "y": 1}', '"x": NaN', '"x": [-Infinity]', '"x": 1e999', '"x": ' + "9" * 5000],
)
def test_json_that_rnncli_never_writes(path, text):
    path.write_bytes(written(path))
    inner = f'{{"format": 1, {text}, "sha256": "0"}}'
    said = refused(path, changed(written(path), lambda outer: outer["__metadata__"].update(rnncli=inner)))
    assert said.startswith("not a file that rnncli wrote")


@pytest.mark.parametrize("kind", ["I32", "I8", "BOOL", "F16", "BF16", "I64"])
def test_arrays_of_types_that_rnncli_never_writes(path, kind):
    content = written(path, {"fine": np.ones(3), "\x1b[2Jw": np.ones(4, np.float32)})
    said = refused(path, changed(content, lambda outer: outer["\x1b[2Jw"].update(dtype=kind)))
    assert 'is "' in said
    assert "rnncli writes F32, F64, U8, U16, U32" in said
    assert "\x1b" not in said


def test_a_header_of_more_tensors_than_any_model_has_is_not_parsed(path):
    tensor = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    outer = {"__metadata__": {"rnncli": "{}"}} | {f"t{i}": tensor for i in range(100_000)}
    assert refused(path, raw(outer)).startswith("its header is too long (")


def test_a_name_that_no_text_can_have(path):
    tensor = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    said = refused(path, raw({"__metadata__": {"rnncli": '{"format": 1}'}, "\ud800": tensor}))
    assert said.startswith("damaged (")


def test_renamed_missing_and_swapped_tensors(path):
    whole = written(path, {"a": np.ones(2, np.float32), "b": np.zeros(2, np.float32)})
    for change in (
        lambda outer: outer.update(c=outer.pop("a")),
        lambda outer: outer.pop("b"),
        lambda outer: outer.update(a=outer["b"], b=outer["a"]),
        lambda outer: outer.update({"../../x": outer.pop("a")}),
    ):
        refused(path, changed(whole, change))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_that_are_not_finite(path, value, dtype):
    weights = np.ones(5, dtype)
    weights[[1, 3]] = value
    said = refused(path, written(path, {"fine": np.ones(3), "\x1b[2Jw": weights}))
    assert "contains 2 values that are not finite" in said
    assert "\x1b" not in said


def test_a_path_that_cannot_be_read(path):
    with pytest.raises(ModelFileError, match="cannot read: No such file"):
        model_file.read(path)
    with pytest.raises(ModelFileError, match="cannot read: Is a directory"):
        model_file.read(path.parent)


@pytest.mark.parity
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", IN_TORCH)
def test_pytorch_takes_the_file_as_it_is(path, cell, layers):
    """Through PyTorch's own reader of safetensors into its own modules: same names, shapes, layout and outputs."""
    from safetensors.torch import load_file

    network = Network(NetworkShape(cell, 5, 8, layers, 6, token_input=False))
    network.initialise("orthogonal", 1.0, seed=4)
    written(path, network.parameters.export(), {})
    weights = load_file(path)
    rnn, head = getattr(torch.nn, cell.upper())(5, 8, layers), torch.nn.Linear(8, 6)
    rnn.load_state_dict({name.removeprefix("rnn."): w for name, w in weights.items() if name.startswith("rnn.")})
    head.load_state_dict({name.removeprefix("head."): w for name, w in weights.items() if name.startswith("head.")})

    work = network.workspace(7, 2, 7, training=False)
    work.x[...] = np.random.default_rng(0).normal(0, 1, work.x.shape)
    with torch.no_grad():
        wanted = head(rnn(torch.from_numpy(work.x))[0]).numpy()
    network.forward(work, 0, 2)
    assert np.abs(work.outputs - wanted).max() < 1e-5 * np.abs(wanted).max()
