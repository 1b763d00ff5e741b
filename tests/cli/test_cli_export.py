"""export: what is written, what is told, what is refused; nothing is replaced, and nothing is written half."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx_reader
import pytest
from cli_runs import environment, run
from conftest import Shelf

OLD = Path(__file__).parents[1] / "models_of_0_1"
PLAIN = ("--set", "model.cap_input_gate=false", "--set", "model.skip_connections=false", "--set", "training.epochs=1")
FOLDER = {"model.safetensors", "config.json", "README.md", "load.py"}


@pytest.fixture(scope="module")
def plain(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a language model whose network is one of PyTorch's modules."""
    folder = tmp_path_factory.mktemp("plain") / "plain"
    run("train", shelf / "char.yaml", "-o", folder, *PLAIN, cwd=shelf.folder).ok()
    return folder


def told(path: Path) -> dict[str, object]:
    return {key: json.loads(text) for key, text in onnx_reader.metadata(path.read_bytes()).items()}


def test_a_language_model_becomes_one_file_with_its_vocabulary(shelf: Shelf, tmp_path: Path) -> None:
    made = run("export", shelf / "char", "--to", "onnx", cwd=tmp_path).ok()
    assert made.out == ""
    assert "tokens int64 (time, batch), lengths int64 (batch), h_0 float32 (2, batch, 8)" in made.err
    assert "not in it: drawing of tokens" in made.err
    assert [path.name for path in tmp_path.iterdir()] == ["char.onnx"]
    about = told(tmp_path / "char.onnx")
    assert about["task"] == "language-model"
    assert about["vocabulary"][:3] == ["<unk>", "\n", " "]
    assert (about["tokens"], about["unknown"], about["end"]) == ("char", 0, None)
    test = about["test"]
    assert np.shape(test["inputs"]["tokens"]) == (5, 2)
    assert np.shape(test["outputs"]["logits"]) == (5, 2, len(about["vocabulary"]))
    assert about["left_out"]


def test_the_same_bytes_from_a_run_and_from_its_model_file(shelf: Shelf, tmp_path: Path) -> None:
    run("export", shelf / "char", "--to", "onnx", "-o", "a.onnx", cwd=tmp_path).ok()
    run("export", shelf / "char/model.safetensors", "--to", "onnx", "-o", "b.onnx", cwd=tmp_path).ok()
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_a_folder_for_pytorch_has_what_model_hubs_show(plain: Path, tmp_path: Path) -> None:
    run("export", plain, "--to", "pytorch", cwd=tmp_path).ok()
    folder = tmp_path / "plain-pytorch"
    assert {path.name for path in folder.iterdir()} == FOLDER
    start = (folder / "model.safetensors").read_bytes()
    header = json.loads(start[8 : 8 + int.from_bytes(start[:8], "little")])
    assert header["__metadata__"] == {"format": "pt"}
    assert {"rnn.weight_ih_l0", "rnn.bias_hh_l1", "head.weight"} <= header.keys()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["architecture"]["cell"] == "lstm"
    assert len(config["vocabulary"]) == config["architecture"]["output_size"]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlibrary_name: pytorch\n")
    report = json.loads((plain / "report.json").read_text(encoding="utf-8"))
    for name, value in {"this network": report["score"]["network"], **report["score"]["floors"]}.items():
        assert f"| {name} | {value:.4g} |" in card
    run("export", plain, "--to", "pytorch", "-o", "again", cwd=tmp_path).ok()
    assert all(
        (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in FOLDER - {"README.md"}
    )


def test_weights_of_a_tied_head_are_there_for_pytorch(shelf: Shelf, tmp_path: Path) -> None:
    run("export", shelf / "word", "--to", "pytorch", cwd=tmp_path).ok()
    content = (tmp_path / "word-pytorch/model.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header["head.weight"]["shape"] == header["embedding.weight"]["shape"]


def test_what_is_there_is_left_as_it_is(plain: Path, tmp_path: Path) -> None:
    for form, name in (("onnx", "plain.onnx"), ("pytorch", "plain-pytorch")):
        (tmp_path / name).write_bytes(b"mine")
        assert f"{name}: exists" in run("export", plain, "--to", form, cwd=tmp_path).refused(2)
        assert (tmp_path / name).read_bytes() == b"mine"
    assert "no folder" in run("export", plain, "--to", "onnx", "-o", "no/x.onnx", cwd=tmp_path).refused(5)
    assert "no stream" in run("export", plain, "--to", "pytorch", "-o", "-", cwd=tmp_path).refused(2)


def test_a_pipe_takes_a_file(plain: Path, tmp_path: Path) -> None:
    env = environment(PYTHONPATH=os.environ.get("PYTHONPATH", str(Path(__file__).parents[2])))
    command = [sys.executable, "-m", "rnncli", "export", str(plain), "--to", "onnx", "-o", "-"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=True)
    run("export", plain, "--to", "onnx", cwd=tmp_path).ok()
    assert done.stdout == (tmp_path / "plain.onnx").read_bytes()


REFUSED = {
    "seq2seq": ("onnx", "use rnncli predict"),
    "caption": ("pytorch", "use rnncli predict"),
    "classify-words": ("pytorch", "data.residual: naive-bayes"),
    "tag": ("pytorch", "model.character_size has no module in PyTorch; use --to onnx"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_form_is_named_with_what_to_use_instead(name: str, tmp_path: Path) -> None:
    form, said = REFUSED[name]
    assert said in run("export", OLD / name, "--to", form, cwd=tmp_path).refused(2)
    assert not [*tmp_path.iterdir()]


def test_gates_that_pytorch_does_not_have_are_named(shelf: Shelf, tmp_path: Path) -> None:
    refusal = run("export", shelf / "char", "--to", "pytorch", cwd=tmp_path).refused(2)
    assert "model.cap_input_gate has no module in PyTorch; use --to onnx" in refusal


@pytest.mark.thorough
def test_a_network_of_bfloat16_is_written_in_float32_alone(shelf: Shelf, tmp_path: Path) -> None:
    changes = ("--set", "training.precision=bfloat16", "--set", "training.epochs=1")
    run("train", shelf / "char.yaml", "-o", tmp_path / "half", *changes, cwd=shelf.folder).ok()
    assert "--precision float32" in run("export", "half", "--to", "onnx", cwd=tmp_path).refused(2)
    run("export", "half", "--to", "onnx", "--precision", "float32", cwd=tmp_path).ok()


def test_options_that_mean_nothing_are_refused(plain: Path, tmp_path: Path) -> None:
    assert "load.py" in run("export", plain, "--to", "pytorch", "--check", cwd=tmp_path).refused(2)
    assert "--to" in run("export", plain, cwd=tmp_path).refused(2)
    assert "no such run" in run("export", "nothing", "--to", "onnx", cwd=tmp_path).refused(2)


def test_a_check_without_onnxruntime_names_the_command(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    refusal = run("export", plain, "--to", "onnx", "--check", cwd=tmp_path).refused(2)
    assert "pip install 'rnncli[onnx]'" in refusal
    assert not [*tmp_path.iterdir()]


@pytest.mark.onnx
@pytest.mark.parametrize(
    "name", ["classify", "classify-words", "forecast", "language-model", "language-model-words", "regress", "tag"]
)
def test_models_of_version_0_1_are_checked(name: str, tmp_path: Path) -> None:
    made = run("export", OLD / name, "--to", "onnx", "--check", cwd=tmp_path).ok()
    assert "onnxruntime computes the same but for" in made.err


@pytest.mark.onnx
def test_the_program_of_the_manual_writes_a_text(shelf: Shelf, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "rnncli/docs/export.md").read_text(encoding="utf-8")
    program = page.partition("```py\n")[2].partition("```")[0]
    run("export", shelf / "char", "--to", "onnx", "-o", "fables.onnx", cwd=tmp_path).ok()
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("The ")
    assert len(done.stdout) == len("The ") + 40 + 1


@pytest.mark.onnx
def test_a_difference_is_an_error_and_nothing_is_written(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnncli.workflows.export.NEAR", -1.0)
    assert "report it" in run("export", plain, "--to", "onnx", "--check", cwd=tmp_path).failed(7)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parity
@pytest.mark.parametrize("name", ["plain", "word", "classify", "forecast", "regress", "language-model"])
def test_the_loader_computes_the_same_in_pytorch(name: str, shelf: Shelf, plain: Path, tmp_path: Path) -> None:
    source = {"plain": plain, "word": shelf / "word"}.get(name, OLD / name)
    run("export", source, "--to", "pytorch", "-o", "made", cwd=tmp_path).ok()
    done = subprocess.run([sys.executable, "made/load.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[-1]) < 1e-6  # the largest difference
