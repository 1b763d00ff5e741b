"""Tokens that training sees as unknown, and answers that copy unknown ones from their source."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from rnncli.config.token_sections import VocabularyConfig
from rnncli.data.source import Source, read_source
from rnncli.data.vocabulary import token_vocabulary
from rnncli.errors import ConfigError
from rnncli.nn.writers import Written
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.seq2seq.edits import spelled
from rnncli.tasks.seq2seq.predictor import Search
from rnncli.tasks.seq2seq.unknown import Seldom
from rnncli.tasks.task import Asked, Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer

SOURCES = ["ask Ann now", "ask Bo Bo now", "now tell Cy", "tell Cy Dee", "ask Eve now"]
TARGETS = ["Ann is asked", "Bo and Bo are asked", "Cy is told", "is told", "Eve and Eve is asked"]
UPDATES = 400


def numbered(texts):
    vocabulary = token_vocabulary(texts, "word", VocabularyConfig())
    return vocabulary, [vocabulary.encode(text).astype(np.int32) for text in texts]


def seen(seed=3, updates=range(UPDATES)):
    """The words of each pair, source and target, as each update sees them."""
    (read, sources), (written, targets) = numbered(SOURCES), numbered(TARGETS)
    seldom = Seldom(sources, targets, read, written)
    for update in updates:
        batch = seldom.replaced(sources, targets, seed, update)
        yield [(read.decode(source), written.decode(target)) for source, target in zip(*batch, strict=True)]


def test_what_one_source_or_one_target_has_is_unknown_half_of_the_time():
    hidden = dict.fromkeys(itertools.product(range(5), range(2), range(5)), 0)
    for pairs in seen():
        for i, sides in enumerate(pairs):
            for side, words in enumerate(sides):
                for n, (word, was) in enumerate(zip(words, (SOURCES, TARGETS)[side][i].split(), strict=True)):
                    assert word in (was, "<unk>")
                    hidden[i, side, n] += word == "<unk>"
    seldom = {(0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 0, 2), (1, 1, 0), (1, 1, 2), (1, 1, 3)}  # Ann, Bo, are
    seldom |= {(2, 1, 0), (3, 0, 2), (4, 0, 1), (4, 1, 0), (4, 1, 2)}  # Cy as a target alone, Dee, Eve
    assert {place for place, count in hidden.items() if count} == seldom
    spread = 4 * np.sqrt(UPDATES) / 2
    assert all(abs(hidden[place] - UPDATES / 2) < spread for place in seldom)


def test_a_word_is_unknown_on_both_sides_of_a_pair_or_on_neither():
    together = {tuple("<unk>" in words for words in pairs[i]) for pairs in seen() for i in (0, 4)}
    assert together == {(False, False), (True, True)}
    both = {("<unk>" in pairs[0][0], "<unk>" in pairs[4][0]) for pairs in seen()}
    assert len(both) == 4  # each word on its own


def test_what_an_update_sees_follows_from_the_seed_and_its_number():
    assert list(seen(updates=[7])) == list(seen())[7:8]
    assert list(seen()) != list(seen(seed=4))


def test_targets_of_given_numbers_see_unknown_words_too():
    written, targets = numbered(TARGETS)
    vectors = [np.ones(2, np.float32)] * len(targets)
    seldom = Seldom(vectors, targets, None, written)
    found = [seldom.replaced(vectors, targets, 1, update) for update in range(20)]
    assert all(sources is vectors for sources, _ in found)
    assert {written.tokens[0] in written.decode(answers[0]) for _, answers in found} == {True, False}


def test_an_unknown_word_is_spelled_as_it_stands_in_the_source():
    vocabulary = token_vocabulary(["is asked"], "word", VocabularyConfig())
    answer = Written(vocabulary.encode("zzz is asked qqq"), -1.0, np.array([1, 0, 0, 2]))
    assert spelled(answer, vocabulary, ["ask", "MacX", "Ünal"]) == ["MacX", "is", "asked", "Ünal"]


POOL = ThreadPool(1)
NAMES = ["".join(letters) for letters in itertools.product("BDGKLMNP", "aeiou", ["ra", "lo", "ni", "tu"])]
SIGNS = [chr(0x4E00 + 7 * i) for i in range(160)]


def told(names):
    """Pairs of sentences with a name, such as `visit Bara now` and `Bara is visited`."""
    verbs, times = [("call", "called"), ("visit", "visited"), ("ask", "asked")], [("now", "is"), ("before", "was")]
    for i, name in enumerate(names):
        (verb, done), (when, tense) = verbs[i % 3], times[i % 2]
        yield f"{verb} {name} {when}", f"{name} {tense} {done}"


def turned(signs):
    """Pairs of characters with a sign, such as `b漢c` and `c漢b`."""
    for i, sign in enumerate(signs):
        first, last = "abc"[i % 3], "abc"[i // 3 % 3]
        yield f"{first}{sign}{last}", f"{last}{sign}{first}"


def lines(pairs):
    return "".join(f"{source}\t{target}\n" for source, target in pairs)


def learnt(tokens, pairs, updates, **model):
    """An experiment after so many updates on `pairs`."""
    config = config_from_mapping(
        {
            "task": "seq2seq",
            "data": {"tokens": tokens, "validation": 0},
            "model": {"cell": "gru", "hidden_size": 24, "num_layers": 1, "embedding_size": 16, **model},
            "training": {"batch_size": 16},
        }
    )
    experiment = TASKS["seq2seq"].prepare(config, Source("d.tsv", lines(pairs).encode()), Context(POOL))
    optimizer = Optimizer("adam", experiment.network, 5.0, POOL)
    for update in range(updates):
        experiment.learner.gradient(update)
        optimizer.update(0.01, optimizer.gradient_norms())
    return experiment


@pytest.mark.parametrize(
    ("tokens", "pairs", "items", "updates"), [("word", told, NAMES, 150), ("char", turned, SIGNS, 150)]
)
def test_what_training_never_saw_is_copied(tokens, pairs, items, updates, tmp_path):
    known, new = items[::2], items[1::2]
    path = tmp_path / "new.tsv"
    path.write_text(lines(pairs(new)), encoding="utf-8")
    for copy, low, high in (("attention", 0.9, 1), ("none", 0, 0)):
        experiment = learnt(tokens, pairs(known), updates, copy=copy)
        experiment.hold_out(read_source(str(path)), {})
        score = experiment.evaluate({}).score.network
        assert low <= score <= high
        header = json.loads(json.dumps(experiment.header()))
        assert header["model"]["copy"] == copy
        predictor = TASKS["seq2seq"].load(header, experiment.network.parameters.export())
        said = [piece.lines for some in predictor.predict(Asked(str(path), {}, {})).lists for piece in some]
        hits = [line == target for (line,), (_, target) in zip(said, pairs(new), strict=True)]
        assert sum(hits) == round(score * len(new))


def test_it_is_told_when_there_is_nothing_to_learn_copying_from():
    for names, wanted in ((NAMES[:9], 0), (NAMES[:9] * 2, 1)):
        notes = []
        with noting(notes.append):
            learnt("word", told(names), 0, copy="attention")
        assert sum(text.startswith("model.copy: nothing is learnt to be copied") for text in notes) == wanted


def test_words_that_occur_once_are_copied_and_not_known():
    experiment = learnt("word", told(NAMES[:9]), 0, copy="attention")
    assert experiment.config.data.min_count == 2
    assert not {*NAMES} & {*experiment.target.tokens, *experiment.prompts.vocabulary.tokens}
    assert "min_count" not in experiment.header()["data"]
    assert {*NAMES[:9]} <= {*learnt("word", told(NAMES[:9]), 0, copy="none").target.tokens}


def test_two_answers_that_read_alike_are_one():
    experiment = learnt("word", told(NAMES[:4] * 2), 0, copy="attention")
    predictor = TASKS["seq2seq"].load(experiment.header(), experiment.network.parameters.export())
    target = experiment.target.tokens
    known, copied, other = (np.array([v], np.int32) for v in (target.index(NAMES[0]), 0, 1))
    answers = [Written(tokens, -n, np.array([1])) for n, tokens in enumerate((copied, other, known), start=1)]
    found = predictor.writers.texts(answers, (f"call {NAMES[0]} now",))
    assert [(c.text, c.score) for c in found] == [(NAMES[0], -1), (target[1], -2)]


def test_models_from_before_copying_never_write_an_unknown_word():
    experiment = learnt("word", told(NAMES[:20]), 3)
    experiment.network.head.bias.value[0] = 50
    header = experiment.header()
    del header["model"]["copy"]
    predictor = TASKS["seq2seq"].load(header, experiment.network.parameters.export())
    (found,) = predictor.pieces(["call Xyz now"], [predictor.given(("call Xyz now",), "n.tsv:1")], Search())
    assert len(found.lines) == 1
    assert "Xyz" not in found.lines[0]
    assert "<unk>" not in found.lines[0]


def test_copy_needs_attention():
    with pytest.raises(ConfigError, match=r'model.copy is "attention"; must be none when model.attention is none'):
        config_from_mapping({"task": "seq2seq", "model": {"attention": "none", "copy": "attention"}})
    config_from_mapping({"task": "seq2seq", "model": {"attention": "none"}})


def test_lines_are_as_many_for_every_input(tmp_path):
    experiment = learnt("word", told(NAMES[:4] * 2), 0, copy="attention")
    predictor = TASKS["seq2seq"].load(experiment.header(), experiment.network.parameters.export())
    for name, content in (("n.txt", "call Ann now\n\nask\n"), ("n.tsv", "call Ann now\n\nask\n")):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        with noting(lambda text: None):
            pieces = [p for some in predictor.predict(Asked(str(path), {}, {"n_best": 4})).lists for p in some]
        assert [len(piece.lines) for piece in pieces] == [4, 4, 4]
        assert list(pieces[1].lines) == [""] * 4
