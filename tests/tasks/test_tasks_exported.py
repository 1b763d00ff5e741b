"""Exported models of every task under onnxruntime, on data as they stand in a file, beside what `predict` answers."""

import json
import runpy

import experiments
import numpy as np
import onnx_reader
import pytest
from extras import onnx, onnxruntime, torch

from rnncli.data.source import Source
from rnncli.errors import UsageError
from rnncli.kernels.cells import CELLS
from rnncli.nn.pooling import POOLINGS
from rnncli.notes import noting
from rnncli.tasks.exported import InOnnx
from rnncli.tasks.forecast import exported, exported_rows, windows
from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS
from rnncli.tasks.forecast.decoders import Direct
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES
from rnncli.tasks.forecast.losses import LEVELS
from rnncli.tasks.forecast.members import Average
from rnncli.tasks.language_model.decoding import Decoder
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.workflows.export import folder_of

NEAR = 1e-5
ROWS = 24
TEXTS = {
    "classify": "label,text\n" + "".join(f"{'abc'[i % 3]},{'x' * (i % 7 + 1)} y{i % 4}\n" for i in range(ROWS)),
    "several": "labels,text\n" + "".join(f"{('a;b', 'b', 'a')[i % 3]},{'x' * (i % 7 + 1)} {i}\n" for i in range(ROWS)),
    "regress": "size,text\n" + "".join(f"{i % 9},{'x' * (i % 7 + 1)} {i % 3}\n" for i in range(ROWS)),
    "tag": "".join(f"the DT\nfox {('NN', 'VB')[i % 2]}\nran{i % 5} VB\n\n" for i in range(ROWS)),
    "language-model": "the old fox ran by the mill and the hen sat still\n" * 20,
}
DATA = {
    "classify": {"text": "text", "label": "label", "residual": "none"},
    "several": {"text": "text", "label": "labels", "label_separator": ";"},
    "regress": {"text": "text", "label": "size", "residual": "none"},
    "tag": {},
    "language-model": {},
}
SERIES = "id,a,b,size\n" + "".join(
    f"{i},{3 + np.sin(i + t):.4f},{100 * np.cos(i * t):.4f},{i % 5}\n" for i in range(ROWS) for t in range(3 + i % 4)
)
WITH_GAPS = "".join(
    f"{line if i % 5 else line.replace(line.split(',')[1], '', 1)}\n" for i, line in enumerate(SERIES.splitlines(), 1)
)
STEPS = "id,a,b,label\n" + "".join(
    f"{i},{3 + np.sin(i + t):.4f},{100 * np.cos(i * t):.4f},{'xy'[(i + t) % 2]}\n"
    for i in range(ROWS)
    for t in range(5)
)


def predictor_of(kind, content=None, model=(), training=(), **data):
    """A model with random weights, as it comes from a file."""
    task = "classify" if kind == "several" else kind
    suffix = {"tag": "csv" if content else "conll", "language-model": "txt"}.get(task, "csv")
    mapping = {
        "task": task,
        "data": {"encoding": "utf-8", "validation": 0.3, **(DATA[kind] if content is None else {}), **data},
        "model": {"hidden_size": 5, "num_layers": 1, "dropout": 0.0, **dict(model)},
        "training": {"epochs": 1, **dict(training)},
    }
    source = Source(f"data.{suffix}", (content or TEXTS[kind]).encode())
    with noting(lambda text: None):
        made = TASKS[task].prepare(config_from_mapping(mapping), source, Context(ThreadPool(1)))
    random = np.random.default_rng(0)
    for one in made.network.parameters.declared:
        one.value[...] = random.normal(0, 0.5, one.inner_shape)
    header = json.loads(json.dumps(made.header()))
    return TASKS[task].load(header, made.arrays()), source


def session_of(made: InOnnx):
    content = made.encoded("0")
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def apart(one, other):
    return np.abs(np.asarray(one) - other).max() / max(1.0, np.abs(other).max())


def checked(made: InOnnx):
    """The session, after it computed the test vector."""
    session = session_of(made)
    found = session.run([*made.outputs], dict(made.inputs))
    for one, expected in zip(found, made.outputs.values(), strict=True):
        assert one.shape == expected.shape
        assert apart(one, expected) < NEAR
    return session


def in_columns(sequences):
    """Sequences (n, …) side by side, zeros behind those that end early, and their lengths."""
    lengths = np.array([len(one) for one in sequences])
    made = np.zeros((lengths.max(), len(sequences), *np.shape(sequences[0])[1:]), np.asarray(sequences[0]).dtype)
    for b, one in enumerate(sequences):
        made[: len(one), b] = one
    return made, lengths


def numbers_in(source):
    """The values (n, 2) of each sequence of a table, by a reader of our own."""
    found = {}
    for line in source.content.decode().splitlines()[1:]:
        name, a, b, _ = line.split(",")
        found.setdefault(name, []).append([float(a or "nan"), float(b or "nan")])
    return [np.array(rows) for rows in found.values()]


def answers_of(model, source):
    with noting(lambda text: None):
        return model.answers_to(source, model.config.data)[0]


@pytest.mark.onnx
@pytest.mark.parametrize("cell", CELLS)
def test_a_language_model_goes_on_from_its_states(cell):
    model, _ = predictor_of("language-model", model={"cell": cell, "num_layers": 2})
    made = model.in_onnx()
    session, vocabulary = checked(made), made.about["vocabulary"]
    text = "the hen ran"
    tokens = np.array([[vocabulary.index(c)] for c in text])
    states = {name: one[:, :1] for name, one in made.inputs.items() if name.endswith("_0")}
    for piece in (tokens[:4], tokens[4:]):
        logits, *new = session.run(None, {"tokens": piece, "lengths": np.array([len(piece)]), **states})
        states = dict(zip(states, new, strict=True))
    assert apart(logits[-1, 0], Decoder(model.network).read(model.encode(text, ""))) < NEAR


@pytest.mark.onnx
@pytest.mark.parametrize("tokens", ["word", "bpe", "byte"])
def test_language_models_of_other_tokens(tokens):
    model, _ = predictor_of("language-model", tokens=tokens)
    assert checked(model.in_onnx())


@pytest.mark.onnx
@pytest.mark.parametrize("kind", ["classify", "several", "regress"])
@pytest.mark.parametrize("tokens", ["char", "word"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_texts_have_the_answers_of_predict(kind, tokens, seeds):
    model, source = predictor_of(kind, model={"bidirectional": True}, training={"seeds": seeds}, tokens=tokens)
    made = model.in_onnx()
    session, number_of = checked(made), {token: k for k, token in enumerate(made.about["vocabulary"])}
    texts = [line.split(",", 1)[1] for line in source.content.decode().splitlines()[1:]]
    cut = list if tokens == "char" else str.split
    numbers, lengths = in_columns([[number_of.get(t, 0) for t in cut(text)] for text in texts])
    (found,) = session.run(None, {"tokens": numbers, "lengths": lengths})
    if kind == "regress":
        assert apart(found, [row["size"] for row in answers_of(model, source)]) < NEAR
    else:
        expected = [
            [row["probabilities"][label] for label in made.about["labels"]] for row in answers_of(model, source)
        ]
        assert apart(found, np.array(expected)) < NEAR


@pytest.mark.onnx
@pytest.mark.parametrize("tokens", ["word", "whitespace"])
@pytest.mark.parametrize("words", [1, 2])
def test_naive_bayes_of_words_is_corrected_within(tokens, words):
    texts = "label,text\n" + "".join(
        f"{'abc'[i % 3]},{' '.join(f'w{(i * k) % 7}' for k in range(1, words + 1 + i % 6))}\n" for i in range(ROWS)
    )
    model, source = predictor_of("classify", texts, text="text", label="label", residual="naive-bayes", tokens=tokens)
    made = model.in_onnx()
    session, number_of = checked(made), {token: k for k, token in enumerate(made.about["vocabulary"])}
    strange = Source("new.csv", source.content + b"a,w1 strange w2 w1 w1 w2 w3\nb,strange\n")
    rows, labels = answers_of(model, strange), made.about["labels"]
    sentences = [line.split(",")[1].split() for line in strange.content.decode().splitlines()[1:]]
    numbers, lengths = in_columns([[number_of.get(word, 0) for word in sentence] for sentence in sentences])
    (found,) = session.run(None, {"tokens": numbers, "lengths": lengths})
    assert apart(found, np.array([[row["probabilities"][label] for label in labels] for row in rows])) < NEAR


@pytest.mark.onnx
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("scaling", ["standard", "series", "none"])
@pytest.mark.parametrize("differences", [False, True])
def test_raw_numbers_are_scaled_within(pooling, scaling, differences):
    data = {"id": "id", "label": "size", "scaling": scaling, "differences": differences}
    model, source = predictor_of("regress", SERIES, {"pooling": pooling, "cell": "gru"}, **data)
    session = checked(model.in_onnx())
    values, lengths = in_columns(numbers_in(source))
    values[np.arange(len(values))[:, None] >= lengths] = 1e3  # what stands behind an end is never read
    given = {"values": values, "lengths": lengths}
    for one in session.get_inputs():
        if one.name not in given:
            given[one.name] = np.zeros((1, len(lengths), 5), np.float32)
    found = session.run(["value"], given)[0]
    assert apart(found, np.array([row["size"] for row in answers_of(model, source)])) < NEAR


@pytest.mark.onnx
@pytest.mark.parametrize("scaling", ["standard", "series"])
def test_numbers_that_are_missing_are_masked_within(scaling):
    model, source = predictor_of(
        "regress", WITH_GAPS, {"bidirectional": True}, id="id", label="size", scaling=scaling, missing="mask"
    )
    session = checked(model.in_onnx())
    values, lengths = in_columns(numbers_in(source))
    assert np.isnan(values).any()
    (found,) = session.run(None, {"values": values, "lengths": lengths})
    assert apart(found, np.array([row["size"] for row in answers_of(model, source)])) < NEAR


@pytest.mark.onnx
@pytest.mark.parametrize("scaling", ["standard", "series"])
@pytest.mark.parametrize(("residual", "seeds"), [("echo-state", 1), ("echo-state", 2), ("echo-state-half", 3)])
@pytest.mark.parametrize("missing", ["refuse", "mask"])
def test_an_echo_state_network_is_corrected_within(scaling, residual, seeds, missing):
    content = SERIES if missing == "refuse" else WITH_GAPS
    data = {"id": "id", "label": "size", "scaling": scaling, "residual": residual, "missing": missing}
    model, source = predictor_of("classify", content, {"bidirectional": True}, {"seeds": seeds}, **data)
    made = model.in_onnx()
    session = checked(made)
    values, lengths = in_columns(numbers_in(source))
    values[np.arange(len(values))[:, None] >= lengths] = 1e3
    (found,) = session.run(None, {"values": values, "lengths": lengths})
    rows = answers_of(model, source)
    assert apart(found, np.array([[row["probabilities"][one] for one in made.about["labels"]] for row in rows])) < NEAR


@pytest.mark.onnx
@pytest.mark.parametrize("cell", ["rnn", "lstm", "slstm"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_steps_of_numbers_are_tagged(cell, bidirectional):
    model, source = predictor_of(
        "tag", STEPS, {"cell": cell, "bidirectional": bidirectional, "head": "softmax"}, id="id", label="label"
    )
    made = model.in_onnx()
    session = checked(made)
    values, lengths = in_columns(numbers_in(source))
    given = {"values": values, "lengths": lengths}
    given |= {n: np.zeros((1, len(lengths), 5), np.float32) for n in made.inputs if n.endswith("_0")}
    found = session.run(["probabilities"], given)[0]
    for b, row in enumerate(answers_of(model, source)):
        best = [max(step["probability"] for step in [one]) for one in row["steps"]]
        assert apart(found[: lengths[b], b].max(axis=1), np.array(best)) < NEAR


@pytest.mark.onnx
@pytest.mark.parametrize("model", [{}, {"cell": "slstm"}, {"affix_size": 0}, {"character_size": 0, "affix_size": 0}])
@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_words_are_tagged_by_what_is_told_of_them(model, head):
    made_of, _ = predictor_of("tag", model={**model, "head": head})
    made = made_of.in_onnx()
    checked(made)
    assert next(iter(made.outputs)) == ("emissions" if head == "crf" else "probabilities")
    if head == "crf":
        assert np.shape(made.about["chain"]["transitions"]) == (3, 3)
        assert "Viterbi" in made.left_out[0]


SALES = 40 + 10 * np.sin(np.arange(60) * np.pi / 2) + np.arange(60) / 3 + (np.arange(60) * 7 % 5)


def forecaster_of(training=None, model=None, content=None, **data):
    given = {"target": "y", "horizon": 3, "context": 12, "season": 4, "validation": 12, **data}
    training = {"average": False, "fallback": False, **(training or {})}
    made = experiments.trainee_of(content or experiments.csv(y=SALES), training, model, **given)
    return experiments.reloaded(experiments.shaken(made, 0.2))


def compare(model, **more):
    """The rows that are forecast of the model's own series."""
    session, panel = checked(model.in_onnx()), model.panel
    rows = min(int(panel.lengths.min()), 1000)
    values = np.stack([panel.values[panel.rows(s)][-rows:] for s in range(len(panel.ids))], axis=1)
    found = session.run(None, {"values": values, **more})
    point = model.forecasts(network=True).point
    assert apart(found[0], point) < NEAR
    return found


@pytest.mark.onnx
@pytest.mark.parametrize("scaling", ["seasonal-error", "mean", "standard", "robust", "last-value", "none"])
@pytest.mark.parametrize("residual", ["none", "last-value", "seasonal-naive", "seasonal-growth"])
def test_forecasts_are_scaled_and_corrected_within(scaling, residual):
    series = {"series": np.zeros(1, np.int64)} if scaling in ("last-value", "none") else {}
    compare(forecaster_of(scaling=scaling, residual=residual), **series)


@pytest.mark.onnx
@pytest.mark.parametrize("transform", ["log", "log1p", "sqrt", "box-cox"])
@pytest.mark.parametrize("cell", ["lstm", "peephole"])
def test_forecasts_are_transformed_within(transform, cell):
    compare(forecaster_of(model={"cell": cell}, transform=transform, non_negative=True))


@pytest.mark.onnx
@pytest.mark.parametrize("loss", FORECAST_LOSSES)
def test_losses_are_read_within_and_have_their_quantiles(loss):
    counts = {"content": experiments.csv(y=np.floor(SALES)), "scaling": "mean", "residual": "none"}
    model = forecaster_of({"loss": loss}, **(counts if loss == "negative-binomial" else {}))
    found = compare(model)
    assert (len(found) == 2) == (loss in ("quantile", "gaussian"))
    if len(found) == 2:
        assert found[1].shape == (len(LEVELS), 3, 1, 1)
        assert (np.diff(found[1], axis=0) >= 0).all()


@pytest.mark.onnx
@pytest.mark.parametrize("training", [{"seeds": 2}, {"seeds": 3}, {"seeds": 2, "with_baseline": True}])
def test_networks_of_a_forecast_are_in_one_graph(training):
    compare(forecaster_of(training, context=[8, 12], scaling=["standard", "mean"], residual="seasonal-naive"))


@pytest.mark.onnx
@pytest.mark.parametrize("baseline", NAIVE_FORECASTS)
def test_an_average_with_a_baseline_is_within_or_refused(baseline):
    model = forecaster_of()
    model.members = model.members.averaged(Average(baseline, 0.3))
    if baseline != "theta":
        compare(model)
        return
    with pytest.raises(UsageError, match="averaged with theta"):
        model.in_onnx()
    alone, before = model.network_alone(), model.forecasts(network=True).point
    compare(alone)
    assert "the average with theta" in " ".join(alone.in_onnx().left_out)
    assert (model.forecasts(network=True).point == before).all()


@pytest.mark.onnx
def test_covariates_stand_in_as_they_are_in_the_data():
    n = np.arange(60)
    content = experiments.csv(
        y=SALES,
        price=5 + np.cos(n),
        visits=100.0 + n % 7,
        day=[("mon", "tue", "sun")[i % 3] for i in n],
        size=n * 0 + 4.0,
    )
    model = forecaster_of(
        content=content, past_covariates="visits", known_covariates=["price", "day"], static="size", season=4
    )
    made = model.in_onnx()
    assert made.about["known"] == ["price", "day=mon", "day=sun", "day=tue"]
    checked(made)
    assert {name: one.shape for name, one in made.inputs.items()} == {
        "values": (12, 2, 1),
        "past": (12, 2, 1),
        "known": (15, 2, 4),
        "static": (2, 1),
    }


@pytest.mark.onnx
def test_series_side_by_side_are_told_apart_by_their_numbers():
    content = experiments.csv(a=SALES, b=200 - SALES)
    given = {"content": content, "target": ["a", "b"], "channels": "independent"}
    compare(forecaster_of(model={"decoder": "direct"}, scaling="none", residual="none", **given), series=np.arange(2))
    compare(forecaster_of(model={"decoder": "segments", "segment": 4}, **given), series=np.arange(2))


@pytest.mark.onnx
@pytest.mark.parametrize("decoder", ["direct", "segments"])
def test_several_targets_and_masks_of_what_is_known(decoder):
    gaps = np.where(np.arange(60) % 9 == 5, np.nan, SALES)
    gaps[-16:] = SALES[-16:]  # a context is whole
    content = experiments.csv(a=gaps, b=200 - SALES)
    how = {"decoder": decoder, **({"segment": 4} if decoder == "segments" else {})}
    compare(forecaster_of(model=how, content=content, target=["a", "b"], channels="joint", missing="mask"))


@pytest.mark.onnx
@pytest.mark.parametrize("segment", [2, 3, 4])
@pytest.mark.parametrize("cell", ["gru", "lstm", "slstm"])
def test_forecasts_in_segments(segment, cell):
    compare(forecaster_of(model={"decoder": "segments", "segment": segment, "cell": cell}))


@pytest.mark.onnx
def test_segments_read_known_covariates():
    content = experiments.csv(y=SALES, price=5 + np.cos(np.arange(60)))
    model = forecaster_of(model={"decoder": "segments", "segment": 2}, content=content, known_covariates="price")
    checked(model.in_onnx())


@pytest.mark.onnx
def test_too_few_rows_are_an_error_and_no_other_forecast():
    session = session_of(forecaster_of().in_onnx())
    with pytest.raises(Exception, match="Reshape"):
        session.run(None, {"values": np.ones((11, 1, 1))})


@pytest.mark.parity
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("content", [None, SERIES], ids=["text", "numbers"])
def test_the_loader_builds_every_network_of_pytorch(pooling, cell, content, tmp_path):
    data = {} if content is None else {"id": "id", "label": "size"}
    model, _ = predictor_of("regress", content, {"pooling": pooling, "cell": cell, "bidirectional": True}, **data)
    for name, written in folder_of("some", model.in_torch(), None).items():
        (tmp_path / name).write_bytes(written)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(tmp_path / "load.py"), run_name="__main__")
    assert not end.value.code
    loaded = runpy.run_path(str(tmp_path / "load.py"))
    test = loaded["CONFIG"]["test"]
    with torch.no_grad():
        outputs, _ = loaded["load"]()(torch.tensor(test["inputs"]), torch.tensor(test["lengths"]))
    assert apart(outputs.numpy(), np.array(test["outputs"])) < 1e-6


@pytest.mark.thorough
def test_what_has_no_form_is_named_with_what_to_use():
    words, _ = predictor_of("classify", tokens="word", residual="naive-bayes")
    with pytest.raises(UsageError, match=r"data\.residual: naive-bayes .* train with data.residual: none"):
        words.in_torch()
    for data, why in ({"min_count": 3}, "do not tell"), ({"max_length": 1}, "reads whole texts, and the network 1"):
        words, _ = predictor_of("classify", tokens="word", residual="naive-bayes", **data)
        with pytest.raises(UsageError, match=rf"data\.residual: naive-bayes .*{why}"):
            words.in_onnx()
    linear, _ = predictor_of("regress", tokens="word", residual="linear")
    with pytest.raises(UsageError, match=r"data\.residual: linear"):
        linear.in_torch()
    series, _ = predictor_of("classify", SERIES, id="id", label="size", residual="echo-state")
    with pytest.raises(UsageError, match=r"data\.residual: echo-state"):
        series.in_torch()
    several, _ = predictor_of("classify", training={"seeds": 2}, tokens="char")
    with pytest.raises(UsageError, match="2 networks, whose answers are averaged; use --to onnx"):
        several.in_torch()
    chains, _ = predictor_of("tag", model={"head": "crf"}, training={"seeds": 2})
    with pytest.raises(UsageError, match="whose chains are averaged"):
        chains.in_onnx()
    with pytest.raises(UsageError, match=r"model\.decoder: recursive"):
        forecaster_of(model={"decoder": "recursive"}).in_onnx()


def test_what_is_new_in_a_registry_is_refused_until_it_is_written_in_onnx(monkeypatch):
    monkeypatch.delitem(exported_rows.SCALERS, "seasonal-error")
    with pytest.raises(UsageError, match=r"data\.scaling: seasonal-error is not exported; train with another"):
        forecaster_of(scaling="seasonal-error").in_onnx()
    assert {*exported_rows.TRANSFORMS} == {*windows.TRANSFORMS}
    assert {*exported_rows.NAIVE} == {*NAIVE_FORECASTS} - {"theta"}
    assert {*exported._LOSSES} == {*FORECAST_LOSSES}


def test_a_forecast_says_what_it_reads_and_what_is_left_out():
    made = forecaster_of().in_onnx()
    about = onnx_reader.metadata(made.encoded("1.2"))
    assert b"at least 1 step" in onnx_reader.one(made.encoded("1.2"), onnx_reader.DESCRIPTION)
    assert json.loads(about["rows"]) == {"least": 12, "context": 12, "horizon": 3}
    assert json.loads(about["rnncli_version"]) == "1.2"
    assert any("intervals" in one for one in json.loads(about["left_out"]))


def test_the_test_vector_is_that_of_predict():
    model, _ = predictor_of("language-model")
    made = model.in_onnx()
    tokens, logits = made.inputs["tokens"], made.outputs["logits"]
    decoder = Decoder(model.network)
    for t, token in enumerate(tokens[:, 0]):
        assert np.allclose(decoder.read(np.array([token], np.int32)), logits[t, 0], atol=1e-6)
    assert not logits[3:, 1].any()
    assert isinstance(forecaster_of().members.first.decoder, Direct)
