"""Items do not see each other: not in training, in validation, or in the baselines, whatever their lengths."""

from functools import partial
from itertools import pairwise

import naive
import numpy as np
import pytest

from rnncli.config.training_section import LARGEST_SEED
from rnncli.data.source import Source
from rnncli.kernels.cells import CELLS
from rnncli.kernels.losses import IGNORED
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.recurrence import Recurrence
from rnncli.tasks.language_model import ngram
from rnncli.tasks.language_model.corpus import Corpus
from rnncli.tasks.language_model.experiment import TextExperiment
from rnncli.tasks.language_model.items import items_in
from rnncli.tasks.language_model.kneser_ney import KneserNey
from rnncli.tasks.language_model.splits import read_splits
from rnncli.tasks.language_model.streams import Validation
from rnncli.tasks.language_model.texts import SIDE_BY_SIDE, Texts, TextsLearner
from rnncli.tasks.registry import config_from_mapping
from rnncli.tasks.task import EXTENDS, Context
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool

V, FLOAT64 = 5, np.dtype(np.float64)
EVERY = [pytest.param(cell, marks=[] if cell == "gru" else pytest.mark.thorough) for cell in CELLS]
LENGTHS = (3, 1, 9, 2, 2, 17, 4, 1, 6, 40, 5, 3, 23)


def made(cell="gru", layers=2, dtype=FLOAT64, **changes):
    network = Network(NetworkShape(cell, V, 4, layers, V, token_input=True, **changes), dtype)
    network.initialise("orthogonal", 0.9, seed=3)
    network.parameters.view("head.weight")[...] *= 3
    network.pack()
    return network


def items(lengths=LENGTHS, seed=0):
    """Items of these numbers of tokens from 2 on, with the end of an item, 1, around each."""
    random = np.random.default_rng(seed)
    each = [np.append(random.integers(2, V, length), 1) for length in lengths]
    return Texts.of_items(ids := np.concatenate([[1], *each]).astype(np.int32), np.flatnonzero(ids == 1))


def learner(network, texts, valid=None, threads=1, **changes):
    how = {"batch_size": 4, "bptt": 8, "stride": 8, "seed": 1} | changes
    return TextsLearner(network, texts, valid or texts, pool=ThreadPool(threads), **how)


def naive_losses(network, tokens):
    """Nats of each token but the first of one text, read from zero state."""
    shape = network.shape
    state = [naive.zero_state(shape.cell, 1, shape.hidden_size)] * shape.num_layers
    logits = naive.network(shape, network.parameters.export(), tokens[:-1, None], state)
    return [naive.cross_entropy(logits[t : t + 1], tokens[t + 1 : t + 2]) for t in range(len(tokens) - 1)]


def each_alone(network, texts):
    return [
        loss
        for start, stop, first in zip(texts.starts, texts.stops, texts.firsts, strict=True)
        for loss in naive_losses(network, texts.ids[start:stop])[first - start - 1 :]
    ]


@pytest.mark.parametrize("cell", EVERY)
def test_every_item_is_scored_as_if_it_were_alone(cell):
    network, texts = made(cell), items(LENGTHS * 6)
    assert len(texts.steps) > SIDE_BY_SIDE
    driver = Backpropagation(network, CROSS_ENTROPY, ThreadPool(1))
    each = np.empty(len(texts.scored))
    total, count = texts.validation(network, driver).run(each)
    wanted = each_alone(network, texts)
    assert count == len(wanted) == sum(LENGTHS) * 6 + len(texts.steps)
    assert each == pytest.approx(np.array(wanted), rel=1e-9)
    assert total == pytest.approx(sum(wanted), rel=1e-12)


def test_what_is_held_out_of_a_long_text_reads_no_more_of_it_than_warms_up():
    text = Texts(np.arange(5000) % V, np.array([0]), np.array([5000]), np.array([4000]))
    for longest in (300, 5000):
        pieces = text.in_pieces(longest, 256)
        assert pieces.steps.max() <= 256 + min(longest, 1000)
        assert pieces.starts[0] == 4000 - 257
        assert (pieces.stops - pieces.firsts).sum() == 1000


def test_a_long_item_is_scored_in_pieces_that_warm_up(monkeypatch):
    """A network that forgets within the warm-up says what it says in one pass."""
    monkeypatch.setattr(Validation, "STREAM_LENGTH", 300)
    network, texts = made(dtype=np.dtype(np.float32)), items((900, 3, 650, 1))
    driver = Backpropagation(network, CROSS_ENTROPY, ThreadPool(1))
    validation = texts.validation(network, driver)
    assert len(validation.texts.steps) == 4 + 1 + 3 + 1
    assert validation.texts.steps.max() <= 300 + 257
    each = np.empty(len(texts.scored))
    validation.run(each)
    assert each == pytest.approx(np.array(each_alone(network, texts)), abs=1e-3)


@pytest.mark.parametrize(("bptt", "stride"), [(8, 8), (8, 3), (64, 64), (1, 1)])
def test_every_token_is_a_target_once_an_epoch_after_the_one_before_it(bptt, stride):
    texts = items()
    texts = Texts(np.arange(len(texts.ids), dtype=np.int32), *texts[1:])  # numbered tokens
    trained = learner(made(), texts, bptt=bptt, stride=stride)
    seen = []
    for update in range(2 * trained.updates_per_epoch):
        rows, window, _ = trained._at(update)
        tokens, targets = trained.texts.window(rows, window.start, window.stop)
        assert (tokens[targets != IGNORED] + 1 == targets[targets != IGNORED]).all()
        seen += targets[window.head_from :][targets[window.head_from :] != IGNORED].tolist()
    assert sorted(seen[: len(seen) // 2]) == sorted(seen[len(seen) // 2 :]) == list(range(1, len(texts.ids)))
    assert seen[: len(seen) // 2] != seen[len(seen) // 2 :]  # in another order


@pytest.mark.parametrize("cell", EVERY)
def test_an_epoch_without_updates_has_the_loss_of_every_item_alone(cell):
    """Those that are longer than bptt are read window by window with the state that is carried."""
    network, texts = made(cell), items()
    trained = learner(network, texts, batch_size=4)
    assert len(trained.texts.steps) == len(texts.steps)  # none is cut
    total = sum(trained.gradient(update)[0] for update in range(trained.updates_per_epoch))
    assert total == pytest.approx(sum(each_alone(network, texts)), rel=1e-9)


DROPPED = {
    "nothing": {},
    "values between layers": {"dropout": 0.4},
    "states": {"recurrence": Recurrence(state_dropout=0.4)},
    "recurrent weights": {"recurrence": Recurrence(weight_drop=0.4)},
}


@pytest.mark.parametrize("dropped", DROPPED)
@pytest.mark.parametrize("cell", EVERY)
def test_the_gradient_of_ragged_items_is_that_of_central_differences(cell, dropped):
    network, texts = made(cell, **DROPPED[dropped]), items((3, 1, 7, 2, 2, 5))
    trained = learner(network, texts, batch_size=6)
    _, count = trained.gradient(0)
    assert count == len(texts.scored)
    assert network.parameters.gradient_view("rnn.weight_hh_l0").any()  # not all of it is dropped
    gradient, weights = network.parameters.gradient.copy(), network.parameters.weights
    for i in np.random.default_rng(1).choice(len(weights), 40, replace=False):
        kept, losses = weights[i], []
        for step in (1e-5, -1e-5):
            weights[i] = kept + step
            network.pack()
            losses.append(trained.gradient(0)[0] / count)
        weights[i] = kept
        assert gradient[i] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-5, abs=1e-9)


def test_the_gradient_does_not_depend_on_threads():
    gradients = []
    for threads in (1, 2, 3, 4):
        network = made(dtype=np.dtype(np.float32))
        trained = learner(network, items(LENGTHS * 3), threads=threads, batch_size=7)
        for update in range(trained.updates_per_epoch):
            trained.gradient(update)
            gradients.append(network.parameters.gradient.tobytes())
    n = len(gradients) // 4
    assert gradients[:n] == gradients[n : 2 * n] == gradients[2 * n : 3 * n] == gradients[3 * n :]


def test_a_resumed_learner_goes_on_within_a_long_item():
    network, texts = made(), items()
    trained = learner(network, texts, stride=3)
    losses = [trained.gradient(update)[0] for update in range(trained.updates_per_epoch)]
    carried = [update for update in range(trained.updates_per_epoch) if trained._at(update)[2]]
    assert len(carried) > 10
    for update in carried:
        trained.restart()
        for before in range(update):
            trained.gradient(before)
        resumed = learner(network, texts, stride=3)
        resumed.restore({name: array.copy() for name, array in trained.arrays().items()})
        assert [resumed.gradient(after)[0] for after in range(update, trained.updates_per_epoch)] == losses[update:]


def test_few_long_texts_fill_the_batch_with_their_pieces():
    texts = items((4000, 100, 900))
    trained = learner(made(), texts, batch_size=16, bptt=32, stride=32)
    assert 12 <= len(trained.texts.steps) <= 16
    assert trained.texts.steps.sum() == texts.steps.sum()
    assert trained.texts.steps.max() <= 2 * trained.texts.steps.sum() / 16


@pytest.mark.parametrize("how", ["lines", "paragraphs", "files"])
@pytest.mark.parametrize("piece", [1, 2, 5, 1000])
def test_items_do_not_depend_on_the_pieces_or_the_line_ends_of_a_text(how, piece):
    text = "one\r\ntwo three\r\n\r\n \r\nfour\rfive\n\n\nsix"
    found = items_in((text[i : i + piece] for i in range(0, len(text), piece)), how)
    wanted = {
        "lines": ["one", "two three", "four", "five", "six"],
        "paragraphs": ["one\ntwo three", "four\nfive", "six"],
        "files": [text],
    }
    assert [item for some in found for item in some] == wanted[how]
    assert [item for some in items_in(iter([" \r\n", "\n"]), how) for item in some] == []


def corpus(text, kind="char", items="lines"):
    return Corpus(Source("t.txt", text.encode()), kind, "utf-8", hint="", items=items)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("char", ["", "a", " ", "b", "", "é", ""]),
        ("byte", ["", "a", " ", "b", "", "\xc3", "\xa9", ""]),
        ("word", ["", "a", "b", "", "é", ""]),
    ],
)
def test_an_end_stands_before_between_and_after_items(kind, wanted):
    read = corpus("a b\n\né", kind)
    assert [read.tokens[number] for number in read.ids.tolist()] == wanted
    vocabulary = read.vocabulary_of(np.bincount(read.ids))
    assert vocabulary.end == 1
    assert vocabulary.decode(read.encode(vocabulary)) == wanted


def splits(text, seed=1, **data):
    data = {"items": "lines", "tokens": "char", "encoding": "utf-8", **data}
    config = config_from_mapping({"task": "language-model", "data": data, "training": {"seed": seed}})
    found = read_splits(config, Source("t.txt", text.encode()))
    return [part and _lines(found, part.ids) for part in (found.texts, found.validation, found.test)]


def _lines(found, ids):
    ends = np.flatnonzero(ids == found.vocabulary.end)
    return ["".join(found.vocabulary.decode(ids[a + 1 : b])) for a, b in pairwise(ends)]


def test_held_out_lines_are_drawn_by_the_seed_and_equal_ones_are_on_one_side():
    given = [f"line {k % 130}" for k in range(200)]
    drawn = {}
    for seed in (1, 2, LARGEST_SEED):
        train, valid, test = splits("\n".join(given), seed, validation=0.2, test=0.1)
        assert sorted(train + valid + test) == sorted(given)
        assert (len(valid), len(test)) == (40, 20)
        assert len({*train}) + len({*valid}) + len({*test}) == 130
        assert train == [line for line in given if line in {*train}]  # in their order
        drawn[seed] = valid
    assert drawn[1] != drawn[2] != drawn[LARGEST_SEED]
    assert splits("\n".join(given), 1, validation=0.2, test=0.1)[1] == drawn[1]


def test_what_most_lines_are_is_not_held_out():
    train, valid, _ = splits("\n".join(["ok"] * 900 + [f"error {k}" for k in range(100)]), validation=0.1)
    assert train.count("ok") == 900
    assert len(valid) == 100


def test_items_of_a_file_of_their_own(tmp_path):
    (tmp_path / "v.txt").write_text("to\nfro\n")
    train, valid, _ = splits("forth\nto\nfor\nrot", validation=str(tmp_path / "v.txt"))
    assert (train, valid) == (["forth", "to", "for", "rot"], ["to", "fro"])


def test_the_baselines_read_no_other_item():
    texts = items(seed=2)
    for losses in (
        KneserNey(texts.ids, V, 1).losses,
        partial(ngram.token_losses, texts.ids, vocabulary_size=V, line_end=1),
    ):
        whole = texts.read_by(losses)
        assert len(whole) == len(texts.scored)
        start, stop = texts.starts[5], texts.stops[5]
        alone = losses(texts.ids[start + 1 : stop], texts.ids[start : start + 1])
        assert np.array_equal(whole[start : stop - 1], alone)


@pytest.mark.parametrize(
    ("embedding", "grow"),
    [
        (None, {"head.weight", "rnn.weight_ih_l0", "rnn.weight_skip_l1"}),
        (3, {"head.weight", "embedding.weight"}),
        (4, {"embedding.weight"}),
    ],
)
def test_known_tokens_keep_their_weights_when_others_are_added(embedding, grow):
    model = {"cell": "gru", "hidden_size": 4, "num_layers": 2, "embedding_size": embedding}
    model["tied_embeddings"] = embedding == 4

    def prepared(text, learnt=None):
        config = config_from_mapping(
            {
                "task": "language-model",
                "data": {"items": "lines", "tokens": "char", "encoding": "utf-8"},
                "model": model,
            }
        )
        return TextExperiment(config, Source("t.txt", text.encode()), Context(ThreadPool(1)), learnt)

    old = prepared("abc\nbca\ncab\n" * 9)
    new = prepared("abd\nbéa\ndab\n" * 9, {**old.header(), EXTENDS: True})
    assert new.vocabulary.tokens == (*old.vocabulary.tokens, "d", "é")
    first, known = new.network.parameters.export(), old.network.parameters.export()
    fitted = new.widened(known)
    for name, array in fitted.items():
        assert array.shape == first[name].shape
        block = array[tuple(map(slice, known[name].shape))]
        assert np.array_equal(block, known[name])
        if array.shape != block.shape:
            wanted = first[name].copy()
            wanted[tuple(map(slice, block.shape))] = block
            assert np.array_equal(array, wanted)
    grown = {name for name in known if known[name].shape != first[name].shape}
    assert grown == {"head.bias", *grow}
    again = prepared("abd\nbéa\ndab\n" * 9, old.header())  # as an older version went on
    assert again.vocabulary == old.vocabulary
