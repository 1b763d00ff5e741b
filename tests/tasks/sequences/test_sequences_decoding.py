"""Tags from outputs: the best sequence that a scheme allows, against brute force, and what a model file keeps of it."""

from __future__ import annotations

import itertools

import naive
import numpy as np
import pytest

from rnncli.data.source import Source
from rnncli.nn.crf import TagChain
from rnncli.nn.parameters import Parameters, Share
from rnncli.tasks.registry import config_from_mapping
from rnncli.tasks.sequences.decoding import Decoding, probabilities
from rnncli.tasks.sequences.spans import scheme_of
from rnncli.tasks.sequences.tag import Tags, prepare
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import CHAIN, CROSS_ENTROPY, ThreadPool

TAGS = {"BIO": ["B-X", "B-Y", "I-X", "I-Y", "O"], "BIOES": ["B-X", "E-X", "I-X", "O", "S-X"]}
SCHEMES = pytest.mark.parametrize("scheme", TAGS)
NAMES = "Ann\tB-who\nLee\tI-who\nsings\tO\n\nask\tO\nBo\tB-who\n\nin\tO\nOslo\tB-place\n" * 4
POOL = ThreadPool(1)


def chain_of(K: int, random: np.random.Generator) -> TagChain:
    chain = TagChain(K)
    Parameters(chain.declared, np.dtype(float))
    for one in chain.declared:
        one.value[...] = random.normal(0, 2, one.shape)
    chain.pack(Share(0, 1))
    return chain


@SCHEMES
@pytest.mark.parametrize("chained", [False, True], ids=["softmax", "crf"])
def test_the_best_tags_are_the_best_of_all_that_the_scheme_allows(scheme: str, chained: bool) -> None:
    tags, odd = TAGS[scheme], 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        outputs = random.normal(0, 2, (1 + seed % 4, len(tags)))
        chain = chain_of(len(tags), random) if chained else None
        weights = [one.value for one in chain.declared] if chain else [np.zeros((5, 5)), np.zeros(5), np.zeros(5)]
        paths, scores = naive.tag_scores(outputs, *weights)
        # BIOES is the stricter scheme, which what keeps to BIO alone does not pass.
        good = [scheme_of([[tags[k] for k in path]]) in (scheme, "BIOES") for path in paths]
        found = Decoding(tags, scheme, chain).best(outputs)
        assert found.tolist() == paths[good][scores[good].argmax()].tolist()
        odd += found.tolist() != paths[scores.argmax()].tolist()
    assert odd > 5  # so often the best of all is not allowed


def test_without_a_chain_or_a_scheme_each_step_has_its_best_tag() -> None:
    outputs = np.random.default_rng(0).normal(0, 1, (9, 5))
    decoding = Decoding(TAGS["BIO"], None)
    assert np.array_equal(decoding.best(outputs), outputs.argmax(axis=1))
    chances = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    assert np.abs(probabilities(outputs, None) - chances).max() < 1e-14


def test_the_probability_of_a_tag_is_that_of_all_sequences_with_it() -> None:
    random = np.random.default_rng(1)
    outputs, chain = random.normal(0, 2, (3, 5)), chain_of(5, random)
    paths, logs = naive.tag_chances(outputs, *(one.value for one in chain.declared))
    chances = probabilities(outputs, chain)
    for t, k in itertools.product(range(3), range(5)):
        assert chances[t, k] == pytest.approx(np.exp(logs[paths[:, t] == k]).sum(), rel=1e-12)


def test_where_every_sequence_is_forbidden_the_least_odd_one_is_taken() -> None:
    decoding = Decoding(["B-X", "E-X"], "BIOES")
    assert decoding.best(np.array([[0.0, 1.0]])).tolist() == [1]
    assert decoding.best(np.array([[0.0, 9.0], [9.0, 0.0]])).tolist() == [0, 1]


def experiment_of(content: str, **model):
    small = {"cell": "gru", "hidden_size": 3, "num_layers": 1, "character_size": 2}
    config = config_from_mapping(
        {"task": "tag", "data": {"encoding": "utf-8", "validation": 0.25}, "model": small | model}
    )
    return prepare(config, Source("d.conll", content.encode()), Context(POOL), None)


@pytest.mark.parametrize(
    ("content", "head", "chosen", "scheme"),
    [
        (NAMES, None, "crf", "BIO"),
        (NAMES, "softmax", "softmax", "BIO"),
        (NAMES.replace("B-who", "I-who"), None, "crf", None),
        (NAMES.replace("-", ""), None, "softmax", None),
        (NAMES.replace("-", ""), "crf", "crf", None),
    ],
)
def test_spans_have_a_chain_and_keep_to_their_scheme(
    content: str, head: str | None, chosen: str, scheme: str | None
) -> None:
    made = experiment_of(content, head=head)
    assert made.config.model.head == chosen
    assert (made.network.crf is not None, made.learner.loss) == (
        (True, CHAIN) if chosen == "crf" else (False, CROSS_ENTROPY)
    )
    assert made.header()["answers"].get("scheme") == scheme


def test_a_model_without_a_scheme_answers_as_version_0_1_did() -> None:
    made = experiment_of(NAMES, head="softmax")
    header = made.header()
    outputs = np.eye(4, dtype=np.float32)[[2, 2]] * 3  # I-who I-who
    assert made.answers.tags[2] == "I-who"
    sentence = made.splits.held_out["validation"]

    def answered(answers: Tags) -> list[str]:
        return [step["tag"] for step in answers.answer(sentence, 0, outputs)[0]["steps"]]

    assert answered(Tags.from_header(header)) == answered(made.answers) != ["I-who", "I-who"]
    old = {**header, "answers": {"tags": header["answers"]["tags"]}}
    assert answered(Tags.from_header(old)) == ["I-who", "I-who"]
    made.recall(old, {})
    assert answered(made.answers) == ["I-who", "I-who"]
    assert made.header()["answers"] == old["answers"]
