"""How a text becomes parts, tokens and a network, and how a trained network becomes text again."""

import itertools

import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.data.text import detokenize, is_tokenized, tokenize
from rnncli.data.vocabulary import Vocabulary
from rnncli.errors import ConfigError, DataError
from rnncli.nn.network import Network
from rnncli.notes import noting
from rnncli.tasks.headers import config_in
from rnncli.tasks.language_model import ngram, predictor, shape, splits
from rnncli.tasks.language_model.config import LanguageModelConfig
from rnncli.tasks.language_model.decoding import Sampling
from rnncli.tasks.language_model.experiment import WITH_NGRAM, TextExperiment
from rnncli.tasks.language_model.kneser_ney import KneserNey
from rnncli.tasks.language_model.predictor import LanguageModel
from rnncli.tasks.language_model.streams import Validation
from rnncli.tasks.registry import config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

POOL = ThreadPool(1)
PROSE = "The hen, well-known and old, didn't cross; the fox (who did) fell in. Ça va? 12 geese saw it!\n" * 12


def config(tokens="char", model=None, **data):
    small = {"cell": "gru", "hidden_size": 6, "num_layers": 1} | (model or {})
    return config_from_mapping(
        {"task": "language-model", "data": {"encoding": "utf-8", "tokens": tokens, **data}, "model": small}
    )


def prepared(text, tokens="char", **data):
    notes = []
    content = text if isinstance(text, bytes) else text.encode()
    with noting(notes.append):
        return TextExperiment(config(tokens, **data), Source("t.txt", content), Context(POOL)), notes


def parts(text, tokens, **data):
    """The three parts as lists of tokens, and what stands before the held-out ones."""
    content = text if isinstance(text, bytes) else text.encode()
    every = Vocabulary.build(text, tokens)
    cut = splits.read_splits(config(tokens, **data), Source("t.txt", content), every)
    back = [cut.train, *cut.validation, *(cut.test or ())]
    train, *held_out = (every.decode(ids) for ids in back)
    return train, tuple(held_out[:2]), tuple(held_out[2:]) or None


def words(count, seed):
    drawn = np.random.default_rng(seed).integers(0, 400, count)
    return " ".join(f"w{n}" for n in drawn.tolist()) + "\n"


@pytest.mark.parametrize("tokens", ["char", "byte", "word", "whitespace"])
@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        (words(400, 1) * 20, ["validation", "test"]),
        (words(8000, 1), []),
        (words(7000, 1) + words(100, 2) * 5, []),  # repeats itself within what is held out alone
        (words(400, 1) * 2, []),  # too little to tell
    ],
    ids=["repeated", "new", "repeated at the end", "short"],
)
def test_held_out_text_that_is_in_the_training_text_is_doubted(text, doubted, tokens):
    _, notes = prepared(text, tokens, validation=0.05, test=0.05)
    told = [note for note in notes if "in the training split too" in note]
    assert [note.split("of the ")[1].split()[0] for note in told] == doubted
    assert all("--set data." in note for note in told)


@pytest.mark.parametrize("validation", [0.0, 0.1, 0.37, 0.7])
@pytest.mark.parametrize("test", [None, 0.0, 0.2])
@pytest.mark.parametrize("tokens", ["char", "byte", "word"])
def test_the_parts_are_contiguous_complete_and_apart(tokens, test, validation):
    text = PROSE.encode() if tokens == "byte" else PROSE
    every = tokenize(text, tokens)
    train, (valid, before_valid), tested = parts(text, tokens, validation=validation, test=test)
    assert before_valid == train
    assert len(valid) == int(len(every) * validation)
    if test:
        assert train + valid + tested[0] == every
        assert tested[1] == train + valid
        assert len(tested[0]) == int(len(every) * test)
    else:
        assert tested is None
        assert train + valid == every


@pytest.mark.parametrize("tokens", ["char", "byte", "word"])
@pytest.mark.parametrize(("validation", "test"), [(0.6, 0.5), (0.9, 0.9)])
def test_parts_that_leave_nothing_to_train_on(tokens, validation, test):
    with pytest.raises((DataError, ConfigError)):
        prepared(PROSE, tokens, validation=validation, test=test)


def test_parts_that_are_files_of_their_own(tmp_path):
    (tmp_path / "v.txt").write_text("valid text", encoding="utf-8")
    (tmp_path / "t.txt").write_text("test text", encoding="utf-8")
    v, t = str(tmp_path / "v.txt"), str(tmp_path / "t.txt")
    text = PROSE + "vx"
    every, of_v, of_t = list(text), (list("valid text"), ["\n"]), (list("test text"), ["\n"])
    assert parts(text, "char", validation=v, test=t) == (every, of_v, of_t)
    train, valid, tested = parts(text, "char", validation=v, test=0.25)
    assert (valid, train + tested[0], tested[1]) == (of_v, every, train)
    train, valid, tested = parts(text, "char", validation=0.25, test=t)
    assert (train + valid[0], valid[1], tested) == (every, train, of_t)


@pytest.mark.parametrize("tokens", ["char", "byte", "word"])
def test_the_vocabulary_is_of_the_training_part_alone(tokens):
    text = "one two one two \n" * 30 + "zebra é 7 " * 5
    experiment, notes = prepared(text, tokens, validation=0.1)
    data = text.encode() if tokens == "byte" else text
    cut = 0.1 * len(tokenize(data, tokens))
    assert set(experiment.vocabulary.tokens[1:]) == set(tokenize(data, tokens)[: -int(cut)])
    unseen = [token for token in tokenize(text, tokens) if token not in experiment.vocabulary.tokens]
    assert len(unseen) >= 10
    (note,) = notes
    assert {"validation", "<unk>", str(len(unseen))} <= set(note.replace(",", " ").split())
    ids, before = experiment._held_out["validation"]
    assert (ids == 0).sum() == len(unseen)
    assert np.array_equal(before, experiment.train_ids)
    assert not (experiment.train_ids == 0).any()
    _, count = experiment.learner.validate()
    # The unseen ones count too, but where words all occur twice: then training learns nothing of <unk>.
    assert count == ((ids != 0).sum() if tokens == "word" else len(ids))


def test_a_share_without_a_token_is_said_and_none_is_no_surprise():
    _, notes = prepared(PROSE, validation=0.0)
    assert notes == []
    for split in ("validation", "test"):
        _, notes = prepared(PROSE[:50], **{"validation": 0.1, split: 0.01})
        assert notes[-1] == f"nothing is held out for {split}: data.{split} 0.01 has no token to score"


def five_gram(train, valid, context, V, line_end=None):
    return ngram.mean_loss(KneserNey(train, V, line_end).losses(valid, context))


@pytest.mark.parametrize("text", ["", "a", "aaaaaaaaaaaaaaaaaaaaaaaa"])
def test_a_text_that_teaches_nothing(text):
    with pytest.raises(DataError, match="needs at least 2 distinct characters"):
        prepared(text)


def test_the_score_is_of_the_test_part_where_there_is_one_and_beside_its_floor():
    for data, split in [({"validation": 0.2}, "validation"), ({"validation": 0.2, "test": 0.1}, "test")]:
        experiment, _ = prepared(PROSE, **data)
        score = experiment.score()
        ids, before = experiment._held_out[split]
        assert score.split == split
        total, count = Validation(experiment.network, ids, before, experiment.learner.backpropagation).run()
        assert score.network == total / count
        end = int(experiment.vocabulary.encode("\n")[0])
        of = experiment.train_ids, ids, before, len(experiment.vocabulary)
        across, within = (five_gram(*of, *given) for given in ([], [end]))
        assert dict(score.baselines) == {
            "Kneser-Ney 5-gram": across,
            "5-gram within lines": within,
            "interpolated 5-gram": ngram.cross_entropy(*of),
        }
        assert across < within
        assert f"perplexity {np.exp(total / count):.3f}" in score.detail


def test_the_floor_and_the_network_score_the_same_tokens_of_a_file_of_its_own(tmp_path):
    (tmp_path / "v.txt").write_text(PROSE[:300], encoding="utf-8")
    experiment, _ = prepared(PROSE, validation=str(tmp_path / "v.txt"))
    score = experiment.score()
    ids = experiment.vocabulary.encode(PROSE[:300])
    assert "300 tokens" in score.detail
    of = experiment.train_ids, ids, experiment.vocabulary.encode("\n"), len(experiment.vocabulary)
    assert dict(score.baselines)["interpolated 5-gram"] == ngram.cross_entropy(*of)
    assert dict(score.baselines)["Kneser-Ney 5-gram"] == five_gram(*of)


def test_a_text_of_items_is_scored_beside_a_5_gram_within_lines():
    random = np.random.default_rng(4)
    names = "".join(f"{chr(97 + k)}{chr(97 + k)}\n" for k in random.integers(0, 26, 600))
    score = prepared(names, validation=0.3)[0].score()
    assert [name for name, _ in score.baselines] == ["5-gram within lines", "Kneser-Ney 5-gram", "interpolated 5-gram"]
    without = prepared("ab" * 99)[0].score().baselines
    assert {name for name, _ in without} == {"interpolated 5-gram", "Kneser-Ney 5-gram"}


def in_units(score):
    """The figures but the last, which is the mixture's."""
    *units, (name, _) = score.figures
    assert name == WITH_NGRAM
    return tuple(units)


@pytest.mark.parametrize("tokens", ["char", "byte"])
def test_bits_are_told_per_character_and_byte_where_these_differ(tokens):
    umlauts = "aä€b " * 80
    experiment, _ = prepared(umlauts, tokens, validation=0.25)
    score = experiment.score()
    scored = experiment._held_out["validation"].ids
    nats = score.network * len(scored)
    text = detokenize(experiment.vocabulary.decode(scored), tokens)
    if tokens == "char":
        assert in_units(score) == (("bits per byte", pytest.approx(nats / np.log(2) / len(text.encode()))),)
    else:
        assert in_units(score) == (("bits per character", pytest.approx(nats / np.log(2) / len(text))),)
    assert in_units(prepared("abc " * 80, tokens, validation=0.25)[0].score()) == ()
    unseen = prepared(umlauts[:300] + "x", "char", validation=0.25)[0].score()
    assert in_units(unseen) == ()


def test_bits_of_byte_pairs_are_told_per_character_and_per_byte():
    for text in ("aä€b " * 80, "abc " * 80):
        experiment, _ = prepared(text, "bpe", validation=0.25)
        score, scored = experiment.score(), experiment._held_out["validation"].ids
        bits = score.network * len(scored) / np.log(2)
        told = detokenize(experiment.vocabulary.decode(scored), "bpe")
        expected = {"character": bits / len(told), "byte": bits / len(told.encode())}
        assert dict(in_units(score)) == {
            f"bits per {unit}": pytest.approx(value)
            for unit, value in expected.items()
            if unit == "byte" or not text.isascii()
        }


@pytest.mark.parametrize(
    ("tokens", "keys"), [("char", {}), ("word", {}), ("word", {"min_count": 2}), ("bpe", {"vocabulary_size": 280})]
)
def test_every_score_sums_to_one_over_the_vocabulary(tokens, keys):
    experiment, _ = prepared("Some of it is new here.\n" + PROSE, tokens, validation=0.2, **keys)
    V, (ids, before) = len(experiment.vocabulary), experiment._held_out["validation"]
    experiment.network.parameters.weights *= 6  # no uniform distribution
    experiment.network.pack()
    read = ids[-3:-1]
    each = np.zeros((V, 3))
    for v in range(V):
        held_out = np.append(read, v).astype(ids.dtype)
        Validation(experiment.network, held_out, before, experiment.learner.backpropagation).run(each[v])
    assert np.exp(-each[:, -1]).sum() == pytest.approx(1, abs=1e-5)
    assert np.ptp(each[:, -1]) > 0.1
    end, train = int(experiment.vocabulary.encode("\n")[0]), experiment.train_ids
    for grams in (KneserNey(train, V), KneserNey(train, V, end)):
        last = [grams.losses(np.append(read, v), before)[-1] for v in range(V)]
        assert np.exp(-np.array(last)).sum() == pytest.approx(1, abs=1e-9)
    last = [ngram.token_losses(train, np.append(read, v), before, V)[-1] for v in range(V)]
    assert np.exp(-np.array(last)).sum() == pytest.approx(1, abs=1e-9)
    decoder = predictor.Decoder(experiment.network)
    drawn = decoder.probabilities(decoder.read(read))
    assert drawn.sum() == pytest.approx(1, abs=1e-12)
    assert drawn[0] == 0


def test_a_sample_is_a_window_of_the_training_streams_with_the_same_first_weights_in_float64():
    how = config("char", validation=0.1)
    looked_at = TextExperiment(how, Source("t.txt", PROSE.encode()), Context(POOL, np.dtype(np.float64)))
    experiment, _ = prepared(PROSE)
    sample = looked_at.learner.sample(0)
    assert np.array_equal(sample.work.tokens[:, 0], experiment.train_ids[: len(sample.work.tokens)])
    assert np.array_equal(sample.targets[:, 0], experiment.train_ids[1 : len(sample.targets) + 1])
    assert looked_at.network.dtype == np.float64
    assert np.array_equal(
        looked_at.network.parameters.weights.astype(np.float32), experiment.network.parameters.weights
    )


# A model that has learnt one text by heart: token k is followed by token k + 1, and the last by the first.


def by_heart(tokens, kind, **data):
    """A network whose one-hot state names the token it read, and whose head names the next one."""
    vocabulary = Vocabulary(("<unk>", *tokens), kind)
    size = len(vocabulary)
    header = {
        "task": "language-model",
        "data": {"tokens": kind, "encoding": "utf-8"},
        "vocabulary": vocabulary.to_header(),
        "model": {"cell": "rnn", "activation": "identity", "hidden_size": size, "num_layers": 1},
    }
    if kind == "word":
        header["model"]["embedding_size"] = size
    network = Network(shape.network_shape(config_in(header, LanguageModelConfig), size))
    arrays = {name: np.zeros_like(array) for name, array in network.parameters.export().items()}
    arrays["rnn.weight_ih_l0"] = np.eye(size, dtype=np.float32)
    if kind == "word":
        arrays["embedding.weight"] = np.eye(size, dtype=np.float32)
    for v in range(1, size):
        arrays["head.weight"][v % (size - 1) + 1, v] = 30
    return LanguageModel(header, arrays)


def generated(model, prime, length, **how):
    return "".join(next(model.continued(prime, Sampling(**how), length)))


MULTI = "é€😀\n"  # two, three, four and one byte; no byte occurs twice


@pytest.mark.thorough
def test_a_byte_model_writes_characters_of_several_bytes():
    data = MULTI.encode()
    assert len(set(data)) == len(data) == 10
    cycle = by_heart([chr(byte) for byte in data], "byte")
    assert cycle.encode("é", "x").size == 2
    assert generated(cycle, "", len(data)) == MULTI
    assert generated(cycle, "", 3 * len(data)) == MULTI * 3
    assert generated(cycle, "é€", len(data)) == "😀\né€"


def test_a_byte_model_stopped_within_a_character_keeps_its_bytes():
    cycle = by_heart([chr(byte) for byte in MULTI.encode()], "byte")
    pieces = list(next(cycle.continued("", Sampling(), 4)))
    assert "".join(pieces).encode("utf-8", "surrogateescape") == MULTI.encode()[:4]


def test_a_character_model_counts_what_it_generates_and_not_the_prime():
    model = by_heart("abcd", "char")
    assert generated(model, "ab", 5) == "cdabc"
    assert generated(model, "", 3) == "bcd"  # without a newline to begin with, the first known token
    assert generated(by_heart("ab\ncd", "char"), "", 4) == "cdab"  # a text begins as after a line's end
    assert generated(model, "abc", 0) == ""


def test_a_word_model_puts_the_spaces_back():
    model = by_heart(["please", "stay", "at", "home", ",", "friends", ".", "\n"], "word")
    assert generated(model, "", 8) == "please stay at home, friends.\n"
    assert generated(model, "please stay at", 5) == " home, friends.\n"
    assert model.next_tokens(model.beginning("please stay at", "x"), 1)[0][0] == "home"


def test_next_tokens_are_sorted_probabilities_without_unknown():
    model = by_heart("abcd", "char")
    model.network.parameters.view("head.bias")[...] = [50, 0, 29, 2, 1]
    model.network.pack()
    tokens = model.next_tokens(model.beginning("a", "x"), 5)
    logits = np.array([0, 59, 2, 1.0])
    wanted = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert [token for token, _ in tokens] == ["b", "c", "d", "a"]
    assert [p for _, p in tokens] == pytest.approx(sorted(wanted, reverse=True), rel=1e-6)
    assert model.next_tokens(model.beginning("a", "x"), 2) == tokens[:2]


def test_every_unseen_character_of_a_prime_is_named():
    model = by_heart("abcd", "char")
    with pytest.raises(DataError) as caught:
        generated(model, "axbé", 3)
    assert str(caught.value).startswith('the prime: "x" (U+0078) at position 2, "é" (U+00E9) at position 4 does not')


@pytest.mark.thorough
def test_the_seed_decides_what_a_trained_model_writes(monkeypatch):
    experiment, _ = prepared(PROSE)
    model = LanguageModel(experiment.header(), experiment.network.parameters.export())
    text = generated(model, "The ", 80, seed=4)
    assert generated(model, "The ", 80, seed=4) == text
    assert generated(model, "The ", 80, seed=5) != text
    assert generated(model, "The ", 30, seed=4) == text[:30]
    assert set(text) <= set(PROSE)
    for together in (1, 2, 32):
        monkeypatch.setattr(predictor, "TOGETHER", together)
        texts = ["".join(pieces) for pieces in model.continued("The ", Sampling(seed=2), 30, count=5)]
        assert texts == [generated(model, "The ", 30, seed=seed) for seed in range(2, 7)]
    stream = next(model.continued("The ", Sampling(seed=4), 10**9))
    assert "".join(itertools.islice(stream, 20)) == text[:20]  # as it is made, not at the end


@pytest.mark.parametrize("kind", ["char", "byte", "word"])
def test_a_model_says_of_itself_all_that_it_needs(kind):
    experiment, _ = prepared(PROSE, kind)
    model = LanguageModel(experiment.header(), experiment.network.parameters.export())
    assert model.vocabulary == experiment.vocabulary
    assert np.array_equal(model.network.parameters.weights, experiment.network.parameters.weights)
    assert detokenize(model.vocabulary.decode(model.encode(PROSE, "x")), kind).strip() == PROSE.strip()


def test_whitespace_tokens_are_continued_as_they_stand_and_unk_is_one_of_them():
    tokens = ["new@@", "est", "<unk>", "10:30", "\n"]
    model = by_heart(tokens, "whitespace")
    pieces = next(model.continued("new@@ est", Sampling(temperature=1e-6), 6))
    assert "".join(pieces) == " <unk> 10:30\nnew@@ est <unk>"


TOKENIZED = "the <unk> , which is well @-@ known , fell . it was N years old , they said .\n"


@pytest.mark.parametrize(
    ("text", "tokens", "told"),
    [(TOKENIZED, "word", True), (TOKENIZED, "whitespace", False), (TOKENIZED, "char", False), (PROSE, "word", False)],
)
def test_a_text_that_is_tokenized_already_is_not_cut_anew_in_silence(text, tokens, told):
    experiment, notes = prepared(text * 10, tokens, validation=0.2)
    odd = [note for note in notes if "looks tokenized already" in note]
    assert bool(odd) == told
    assert all("t.txt: looks tokenized already" in note and "data.tokens: whitespace" in note for note in odd)
    if tokens == "whitespace":  # a perplexity per token of the file, its line ends counted, as published ones are
        score, tokens = experiment.score(), (TOKENIZED * 10).replace("\n", " <eos> ").split()
        assert score.detail.startswith(f"{int(0.2 * len(tokens))} tokens, perplexity {np.exp(score.network):.3f}")


def test_a_text_as_people_write_it_does_not_look_tokenized():
    assert is_tokenized(TOKENIZED * 10)
    assert is_tokenized("new@@ est wid@@ er\n" * 20)
    assert not is_tokenized(TOKENIZED * 2)  # too few marks
    assert not is_tokenized((TOKENIZED + "Well, it was, I think, so. Yes.\n") * 10)
    assert not is_tokenized("1 , 2 , 3 and 4, 5, 6.\n" * 20)


def test_tied_embeddings_are_as_wide_as_the_hidden_state_and_the_head_has_no_weights_of_its_own():
    for tokens in ("char", "word"):
        found = TextExperiment(
            config(tokens, {"tied_embeddings": True}), Source("t.txt", PROSE.encode()), Context(POOL)
        )
        assert found.config.model.embedding_size == 6
        weights = found.arrays()
        assert "head.weight" not in weights
        assert weights["embedding.weight"].shape == (len(found.vocabulary), 6)
        assert LanguageModel(found.header(), weights).network.shape.tied_embeddings


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"embedding_size": 4}, "model.tied_embeddings: token vectors have 4 numbers, .* 6; set model.hidden_size=4"),
        ({"skip_connections": True}, "model.tied_embeddings: with skip connections the head reads all layers"),
    ],
)
def test_tied_embeddings_that_fit_no_head_are_refused(model, message):
    with pytest.raises(ConfigError, match=message):
        TextExperiment(
            config("word", model | {"tied_embeddings": True}), Source("t.txt", PROSE.encode()), Context(POOL)
        )


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-32", "shift_jis"])
def test_bits_per_byte_are_of_the_bytes_that_the_file_has_in_its_encoding(encoding):
    text = ("aあb " if encoding == "shift_jis" else "aäb ") * 80
    experiment, _ = prepared(text.encode(encoding), validation=0.25, encoding=encoding)
    score = experiment.score()
    scored = detokenize(experiment.vocabulary.decode(experiment._held_out["validation"].ids), "char")
    size = len((2 * scored).encode(encoding)) - len(scored.encode(encoding))  # without a byte order mark
    bits = score.network * len(scored) / np.log(2)
    told = () if size == len(scored) else (("bits per byte", pytest.approx(bits / size)),)
    assert in_units(score) == told
    experiment.hold_out(Source("t.txt", text[:40].encode("utf-8")), {"encoding": "utf-8"})
    score = experiment.score()
    assert dict(score.figures)["bits per byte"] == pytest.approx(
        score.network
        * len(experiment._held_out["test"].scored)
        / np.log(2)
        / len(text[1:40].encode())  # no newline stands before the first
    )


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_byte_pairs_are_of_utf_8_whatever_the_file_is_in(encoding):
    score = prepared(("aäb " * 80).encode(encoding), "bpe", validation=0.25, encoding=encoding)[0].score()
    units = [name for name, _ in in_units(score)]
    assert units == ["bits per character", "bits per byte" if encoding == "utf-8" else "bits per byte of UTF-8"]
