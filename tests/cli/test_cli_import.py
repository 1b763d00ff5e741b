"""import: a network of another program answers as it did there, and what is no such network is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import rnncli
from rnncli.tasks.language_model.decoding import Decoder
from rnncli.workflows.opening import open_sound
from tests.cli.cli_runs import run
from tests.naive import CELLS, zero_state

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
CHARACTERS = [*"h ebcdafg\n"]  # in an order of their own
WORDS = ["hen", "[UNK]", "fox", "sat", "ran", "the"]
OLD_RUN = Path(__file__).parents[1] / "models_of_0_1/language-model"
H, E = 5, 3
Tensors = dict[str, np.ndarray]


def weights(cell: str, inputs: int, layers: int = 1, ways: int = 1, prefix: str = "lstm.") -> Tensors:
    """The recurrent part, as PyTorch names it."""
    random, rows = np.random.default_rng(layers + ways), GATES[cell] * H
    shapes = {}
    for layer in range(layers):
        for way in ("", "_reverse")[:ways]:
            shapes[f"weight_ih_l{layer}{way}"] = (rows, H * ways if layer else inputs)
            shapes |= {f"weight_hh_l{layer}{way}": (rows, H)}
            shapes |= {f"bias_{kind}_l{layer}{way}": (rows,) for kind in ("ih", "hh")}
    return {prefix + name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def matrix(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows).normal(0, 1, (rows, columns)).astype(np.float32)


def vector(size: int) -> np.ndarray:
    return matrix(size, 1)[:, 0]


def outputs(
    cell: str, tensors: Tensors, x: np.ndarray, layers: int, ways: int = 1, prefix: str = "lstm."
) -> np.ndarray:
    """The topmost layer at each step (T, ways·H) of one sequence (T, I), the way a textbook would."""
    for layer in range(layers):
        both = []
        for way in ("", "_reverse")[:ways]:
            names = {"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
            p = {short: tensors[f"{prefix}{name}_l{layer}{way}"].astype(np.float64) for short, name in names.items()}
            state, steps = zero_state(cell, 1, H), []
            for step in x[::-1] if way else x:
                state = CELLS[cell](step[None], state, p)
                steps.append(state[0][0])
            both.append(np.array(steps[::-1] if way else steps))
        x = np.concatenate(both, axis=1)
    return x


def imported(folder: Path, tensors: Tensors, *options: str, vocabulary: Any = None, labels: Any = None) -> Path:
    save_file(tensors, folder / "weights.safetensors")
    given = [*options]
    for name, listed in (("vocabulary", vocabulary), ("labels", labels)):
        if listed is not None:
            (folder / f"{name}.json").write_text(json.dumps(listed), encoding="utf-8")
            given += [f"--{name}", f"{name}.json"]
    run("import", "weights.safetensors", *given, "-o", "run", cwd=folder).ok()
    return folder / "run"


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("embedded", [True, False])
def test_a_language_model_has_the_logits_that_it_had(cell: str, embedded: bool, tmp_path: Path) -> None:
    V = len(CHARACTERS)
    tensors = weights(cell, E if embedded else V, layers=2) | {"fc.weight": matrix(V, H), "fc.bias": vector(V)}
    tensors |= {"embed.weight": matrix(V, E)} if embedded else {}
    made = imported(tmp_path, tensors, "--task", "language-model", vocabulary=CHARACTERS)
    model: Any = open_sound(str(made)).load()
    text = "hea bed"
    read = [CHARACTERS.index(character) for character in text]
    x = tensors["embed.weight"][read] if embedded else np.eye(V)[read]
    wanted = outputs(cell, tensors, x, 2)[-1] @ tensors["fc.weight"].T + tensors["fc.bias"]
    logits = Decoder(model.network, 0).read(model.vocabulary.encode(text))
    order = [CHARACTERS.index(token) for token in model.vocabulary.tokens[1:]]
    assert np.abs(logits[1:] - wanted[order]).max() < 1e-5
    assert logits[0] < wanted.min()


@pytest.mark.thorough
def test_it_generates_and_is_trained_on(tmp_path: Path) -> None:
    V = len(CHARACTERS)
    tensors = weights("lstm", E) | {"embed.weight": matrix(V, E), "fc.weight": matrix(V, H), "fc.bias": vector(V)}
    imported(tmp_path, tensors, "--task", "language-model", vocabulary=CHARACTERS)
    written = run("generate", "run", "-n", "40", cwd=tmp_path).ok().out
    assert {*written} <= {*CHARACTERS}
    (tmp_path / "text.txt").write_text("head a cab\nfeed a hag\n" * 30, encoding="utf-8")
    small = ["--set", "training.epochs=2", "--set", "training.threads=1"]
    run("train", "--from", "run", "text.txt", "-o", "more", "-q", *small, cwd=tmp_path).ok()
    first, then = (open_sound(str(tmp_path / name)) for name in ("run", "more"))
    assert first.header["vocabulary"] == then.header["vocabulary"]
    assert {name: array.shape for name, array in first.arrays.items()} == {
        name: array.shape for name, array in then.arrays.items()
    }
    assert run("runs", ".", cwd=tmp_path).ok()


@pytest.mark.parametrize(("cell", "ways"), [("gru", 2), ("lstm", 1)])
def test_a_classifier_of_words_has_the_probabilities_that_it_had(cell: str, ways: int, tmp_path: Path) -> None:
    V, labels = len(WORDS), ["no", "yes", "perhaps"]
    tensors = weights(cell, E, ways=ways, prefix="")
    tensors |= {"embedding.weight": matrix(V, E), "classifier.weight": matrix(3, H * ways)}
    imported(tmp_path, tensors, "--task", "classify", vocabulary=WORDS, labels=labels)
    text = "the hen sat zzz"
    read = [WORDS.index(word) if word in WORDS else 1 for word in text.split()]
    y = outputs(cell, tensors, tensors["embedding.weight"][read], 1, ways, prefix="")
    last = np.concatenate([y[-1, :H], y[0, H:]])
    wanted = softmax(last @ tensors["classifier.weight"].T)
    (answer,) = rnncli.load(tmp_path / "run").predict([text])
    assert [answer["probabilities"][label] for label in labels] == pytest.approx(wanted.tolist(), abs=1e-6)
    (tmp_path / "more.csv").write_text(
        "text,label\n" + "".join(f"the {a} {b},{'yes' if a == 'hen' else 'no'}\n" for a in WORDS for b in WORDS[2:]),
        encoding="utf-8",
    )
    small = ["--set", "training.epochs=1", "--set", "training.threads=1", "--set", "training.seeds=1"]
    run("train", "--from", "run", "more.csv", "-o", "more", "-q", *small, cwd=tmp_path).ok()


def test_a_tagger_and_numbers_answer_as_they_did(tmp_path: Path) -> None:
    tags = ["N", "V"]
    tensors = weights("gru", E, ways=2) | {"emb.weight": matrix(len(WORDS), E), "out.weight": matrix(2, 2 * H)}
    for name in ("tag", "regress"):
        (tmp_path / name).mkdir()
    imported(tmp_path / "tag", tensors, "--task", "tag", vocabulary=WORDS, labels=tags)
    read = [WORDS.index(word) for word in ("the", "fox", "ran")]
    y = outputs("gru", tensors, tensors["emb.weight"][read], 1, 2) @ tensors["out.weight"].T
    model = rnncli.load(tmp_path / "tag/run")
    assert model.predict([["the", "fox", "ran"]]) == [[tags[k] for k in y.argmax(axis=1)]]
    numbers = weights("rnn", 2) | {"head.weight": matrix(1, H), "head.bias": vector(1)}
    imported(tmp_path / "regress", numbers, "--task", "regress", "--set", "data.inputs=[wind, sun]")
    x = np.array([[0.5, 2.0], [-1.0, 0.25], [3.0, 0.0]])
    wanted = outputs("rnn", numbers, x, 1)[-1] @ numbers["head.weight"].T + numbers["head.bias"]
    assert rnncli.load(tmp_path / "regress/run").predict([x]) == pytest.approx(wanted, abs=1e-5)


def test_half_precision_tied_heads_and_names_of_files(tmp_path: Path) -> None:
    V = len(CHARACTERS)
    tensors = weights("gru", H) | {"encoder.weight": matrix(V, H).astype(np.float16)}
    save_file(tensors, tmp_path / "theirs.safetensors")
    (tmp_path / "words.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    (tmp_path / "numbers.json").write_text(json.dumps({one: i for i, one in enumerate(CHARACTERS)}), encoding="utf-8")
    task = ["--task", "language-model", "--vocabulary", "numbers.json"]
    said = run("import", "theirs.safetensors", *task, cwd=tmp_path).ok()
    assert "1 × gru of 5; saved in runs/theirs" in said.err
    header = open_sound(str(tmp_path / "runs/theirs")).header
    assert header["model"]["tied_embeddings"] is True
    run("generate", "runs/theirs", "-n", "5", cwd=tmp_path).ok()


def refusal(folder: Path, tensors: Tensors, *options: str, code: int, vocabulary: Any = CHARACTERS) -> str:
    save_file(tensors, folder / "weights.safetensors")
    (folder / "v.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    task = options or ("--task", "language-model", "--vocabulary", "v.json")
    said = run("import", "weights.safetensors", *task, "-o", "run", cwd=folder).refused(code)
    assert not (folder / "run").exists()
    return said


V = len(CHARACTERS)
MODEL = weights("lstm", E) | {"embed.weight": matrix(V, E), "fc.weight": matrix(V, H)}
BOTH = weights("lstm", H) | {"a.weight": matrix(V, H), "b.weight": matrix(V, H)}
LANGUAGE = ("--task", "language-model", "--vocabulary", "v.json")


@pytest.mark.parametrize(
    ("tensors", "code", "words"),
    [
        (MODEL | {"norm.weight": vector(4)}, 2, 'nor of an embedding or a linear head: "norm.weight"; leave them out'),
        (BOTH, 2, '"a.weight", "b.weight" may each be the embedding; say which: --map THEIRS=embedding.weight'),
        (MODEL | weights("gru", E, prefix="decoder."), 2, "has more than one recurrent part"),
        (weights("gru", E, ways=2) | {"e.weight": matrix(V, E), "fc.weight": matrix(V, 2 * H)}, 2, "from both ends"),
        ({"fc.weight": matrix(V, H)}, 2, "has no weight_ih_l0 and weight_hh_l0"),
        (weights("lstm", E) | {"embed.weight": matrix(V, E)}, 2, "has no linear head of 5 columns"),
        (MODEL | {"fc.weight": matrix(V - 1, H)}, 2, "has 9 outputs, and the vocabulary 10 tokens"),
        (MODEL | {"lstm.weight_hh_l0": matrix(4 * H, H + 1)}, 4, "which no cell has"),
        (MODEL | {"lstm.weight_hh_l0": matrix(2 * H, H)}, 4, "its cell has 2 gates; an rnn has 1, a gru 3"),
        (MODEL | {"lstm.bias_ih_l0": vector(H)}, 4, "bias_ih_l0 has the shape (5,), and not (20,)"),
        (MODEL | {"lstm.weight_hh_l9999": matrix(4 * H, H)}, 4, "weights of layer 10,000, and not of all below it"),
        (MODEL | {"lstm.weight_hh_l1": matrix(4 * H, H), "lstm.bias_ih_l1": vector(4 * H)}, 4, "has no weight_ih_l1"),
        (MODEL | {"fc.weight": np.full((V, H), np.inf, np.float32)}, 4, "50 values that are not finite"),
        (MODEL | {"lstm.weight_hh_l0": np.full((4 * H, H), 1e300)}, 4, "100 values that are not finite"),
    ],
)
def test_what_is_no_such_network_is_named(tensors: Tensors, code: int, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path, tensors, code=code)


@pytest.mark.parametrize(
    ("options", "vocabulary", "code", "words"),
    [
        (LANGUAGE, CHARACTERS[:-1], 2, "has an embedding of 10 tokens, and --vocabulary names 9"),
        (LANGUAGE, [*CHARACTERS[:-1], "h"], 3, 'has "h" twice; give each a name of its own'),
        (LANGUAGE, {"a": 0, "b": 2}, 3, "does not number its 2 tokens from 0 on"),
        (LANGUAGE, [1, 2], 3, "not all of its tokens are texts, or some are empty"),
        (("--task", "language-model"), CHARACTERS, 2, "10 tokens, which --vocabulary FILE is to name"),
        (("--task", "classify", "--vocabulary", "v.json"), CHARACTERS, 2, "classify needs the names of its 10 outputs"),
        (("--task", "regress", "--vocabulary", "v.json"), CHARACTERS, 2, "has 10 outputs, and a number is one"),
        ((*LANGUAGE, "--set", "model.hidden_size=9"), CHARACTERS, 2, "--set model.hidden_size: its arrays tell that"),
        ((*LANGUAGE, "--set", "task=tag"), CHARACTERS, 2, "--set task: --task says it"),
        ((*LANGUAGE, "--set", "modl.activation=relu"), CHARACTERS, 2, "modl"),
        ((*LANGUAGE, "--set", "model.activation=relo"), CHARACTERS, 2, "relo"),
        ((*LANGUAGE, "--map", "x=head.weight"), CHARACTERS, 2, 'has no tensor "x"; it has "embed.weight"'),
        ((*LANGUAGE, "--map", "fc.weight=top.weight"), CHARACTERS, 2, "name embedding.weight, head.weight"),
        ((*LANGUAGE, "--map", "fc.weight"), CHARACTERS, 2, "is not of the form THEIRS=OURS"),
        (
            (*LANGUAGE, "--set", "data.tokens=byte"),
            [*CHARACTERS[:-1], "ā"],
            2,
            'has "ā", which is no byte; leave it out',
        ),
        (("--task", "forecast"), CHARACTERS, 2, "'forecast' is not one of"),
    ],
)
def test_what_does_not_fit_is_told(
    options: tuple[str, ...], vocabulary: Any, code: int, words: str, tmp_path: Path
) -> None:
    assert words in refusal(tmp_path, MODEL, *options, code=code, vocabulary=vocabulary)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert "no such file: no.safetensors" in run("import", "no.safetensors", "--task", "tag", cwd=tmp_path).refused(2)


def test_names_decide_where_shapes_do_not(tmp_path: Path) -> None:
    named = ["--map", "a.weight=embedding.weight", "--map", "b.weight=head.weight"]
    made = imported(tmp_path, BOTH, "--task", "language-model", *named, vocabulary=CHARACTERS)
    arrays = open_sound(str(made)).arrays
    assert np.array_equal(arrays["embedding.weight"][1:], BOTH["a.weight"])
    assert np.array_equal(arrays["head.weight"][1:], BOTH["b.weight"])


@pytest.mark.parametrize("beginning", [b"\x80\x02}q\x00.", b"PK\x03\x04rest", b"\x04\x00\x00\x00\x01\x00\x00\x00"])
def test_pickles_are_refused_with_what_converts_them(beginning: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(beginning + b"\0" * 40)
    said = run("import", "model.pt", "--task", "regress", cwd=tmp_path).refused(4)
    assert "import torch; from safetensors.torch import save_file" in said


def test_files_that_lie_are_refused_before_they_take_memory(tmp_path: Path) -> None:
    def written(tensors: dict[str, Any], content: bytes = b"") -> str:
        text = json.dumps(tensors).encode()
        (tmp_path / "w.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + content)
        return run("import", "w.safetensors", "--task", "regress", cwd=tmp_path).refused(4)

    large = {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 4]}
    assert "does not have the bytes of its shape" in written({"a": large}, b"\0" * 4)
    assert "is damaged" in written({"a": {"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}}, b"\0" * 8)
    assert "has no tensors" in written({"__metadata__": {"format": "pt"}})
    (tmp_path / "w.safetensors").write_bytes(b"\xff" * 7)
    assert "truncated" in run("import", "w.safetensors", "--task", "regress", cwd=tmp_path).refused(4)


def test_a_run_that_was_never_trained_says_how_it_is_and_not_to_resume_it(tmp_path: Path) -> None:
    tensors = weights("rnn", 1) | {"head.weight": matrix(1, H)}
    imported(tmp_path, tensors, "--task", "regress")
    (one,) = json.loads(run("runs", "run", "-f", "json", cwd=tmp_path).ok().out)
    assert one["state"] == "imported"
    way = "was imported, and has not been trained here; train it on your data: rnncli train --from run DATA"
    for command in ("report", "evaluate", "train --resume -o"):
        assert run(*command.split(), "run", cwd=tmp_path).refused(2) == f"run: {way}"
    assert way.partition("; ")[2] in run("check", "run", cwd=tmp_path).ok().out
    rows = "".join(f"{k // 3},{k % 7},{k // 3 % 4}\n" for k in range(120))
    (tmp_path / "d.csv").write_text(f"id,x1,label\n{rows}", encoding="utf-8")
    columns = ["--set", "task=regress", "--set", "data.inputs=x1"]
    refusal = run("train", "d.csv", "-o", "run", *columns, cwd=tmp_path).refused(2)
    assert refusal == "run: exists and is not empty; choose another -o"
    small = ["--set", "training.updates=2", "--set", "training.threads=1"]
    run("train", "--from", "run", "d.csv", "-o", "more", "-q", *small, cwd=tmp_path).ok()
    assert json.loads(run("runs", "more", "-f", "json", cwd=tmp_path).ok().out)[0]["state"] == "finished"


@pytest.mark.plots
def test_a_run_that_was_never_trained_has_no_curves(tmp_path: Path) -> None:
    imported(tmp_path, weights("rnn", 1) | {"head.weight": matrix(1, H)}, "--task", "regress")
    assert run("plot", "run", cwd=tmp_path).refused(2).startswith("run: was imported, and has not been trained here; ")


def test_existing_folders_and_links_are_left_alone(tmp_path: Path) -> None:
    tensors = weights("rnn", 2) | {"head.weight": matrix(1, H)}
    save_file(tensors, tmp_path / "w.safetensors")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("x", encoding="utf-8")
    assert "is not empty" in run("import", "w.safetensors", "--task", "regress", "-o", "full", cwd=tmp_path).refused(2)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    run("import", "w.safetensors", "--task", "regress", "-o", "link", cwd=tmp_path).refused(5)
    assert not (tmp_path / "elsewhere").exists()


def test_what_was_exported_comes_back(tmp_path: Path) -> None:
    shutil.copytree(OLD_RUN, tmp_path / "first")
    run("export", "first", "--to", "pytorch", "-o", "out", cwd=tmp_path).ok()
    told = json.loads((tmp_path / "out/config.json").read_text(encoding="utf-8"))
    (tmp_path / "v.json").write_text(json.dumps(told["vocabulary"]), encoding="utf-8")
    task = ("--task", "language-model", "--vocabulary", "v.json")
    run("import", "out/model.safetensors", *task, "-o", "back", cwd=tmp_path).ok()
    first, back = (open_sound(str(tmp_path / name)) for name in ("first", "back"))
    assert first.arrays.keys() == back.arrays.keys()
    assert all(np.array_equal(array, back.arrays[name]) for name, array in first.arrays.items())
    texts = [run("generate", name, "-n", "60", cwd=tmp_path).ok().out for name in ("first", "back")]
    assert texts[0] == texts[1]
