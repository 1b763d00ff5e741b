"""Answers of networks beside that of a baseline, which stands unless they find another far more probable."""

import json

import naive
import numpy as np
import pytest
from test_seq2seq_edits import WORDS, prepared
from test_seq2seq_learner import SOURCES, TARGETS, learner

from rnncli.tasks.registry import TASKS
from rnncli.tasks.seq2seq import candidates
from rnncli.tasks.seq2seq.candidates import LEAD, Candidate, leading
from rnncli.tasks.seq2seq.learner import log_probabilities
from rnncli.tasks.seq2seq.predictor import Search


def log_probability(model, source, answer):
    """By the naive twin."""
    end = model.shape.end
    z = naive.encoder_decoder(model.shape, model.parameters.export(), source, np.array([end, *answer]))
    chances = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return chances[np.arange(len(z)), [*answer, end]]


@pytest.mark.parametrize("networks", [1, 2])
def test_log_probabilities_are_those_of_the_naive_twin_in_any_company(networks):
    models = [learner(dtype=np.float64).network for _ in range(networks)]
    if networks == 2:
        models[1].initialise("orthogonal", 1.0, 2)
        models[1].pack()
    for at_once in (1, 7):
        found = log_probabilities(models, SOURCES, TARGETS, at_once)
        for source, answer, got in zip(SOURCES, TARGETS, found, strict=True):
            each = [log_probability(model, source, answer) for model in models]
            assert got == pytest.approx(np.log(np.mean(each, axis=0)).sum(), rel=1e-9)


def texts(found):
    return [one.text for one in found]


def test_the_baseline_stands_before_all_that_are_not_far_more_probable():
    found = [Candidate("a", -0.5), Candidate("b", -1.0), Candidate("c", -6.0)]
    assert texts(leading(found, Candidate("c", -6.0))) == ["a", "b", "c"]
    assert texts(leading(found, Candidate("d", -0.9 - LEAD))) == ["a", "d", "b", "c"]
    assert leading(found, Candidate("d", -0.4 - LEAD))[0] == Candidate("d", -0.4 - LEAD)
    assert texts(leading(found, Candidate("b", -1.0))) == ["b", "a", "c"]
    assert leading([], Candidate("d", -9.0)) == [Candidate("d", -9.0)]


def test_both_write_together_in_a_run_and_its_model_file():
    """The baseline knows what the networks, which are not trained, do not: to change the ending."""
    words = [(f"{a}{b}{c}", f"{a}{b}{c}ed") for a in "pqrst" for b in "aeiou" for c in "kt"]
    experiment = prepared(words)
    assert (experiment.config.data.residual, experiment.config.model.attention) == ("change-of-ending", "aligned")
    header = json.loads(json.dumps(experiment.header()))
    predictor = TASKS["seq2seq"].load(header, experiment.network.parameters.export())
    given = predictor.given(("zuk",), "n.tsv:1")
    (piece,) = predictor.pieces(["zuk"], [given], Search(n_best=9))
    answers = {one["text"]: one["log_probability"] for one in piece.nested["outputs"]}
    numbers = predictor.writers.speller.numbers(("zuk",), "zuked")
    told = log_probabilities(experiment.networks, [given.source], [numbers])
    assert answers["zuked"] == pytest.approx(told[0])
    before = [score for text, score in answers.items() if score > answers["zuked"] + LEAD]
    assert list(answers).index("zuked") == len(before)

    one = TASKS["seq2seq"].load({**header, "endings": None}, experiment.network.parameters.export())
    (alone,) = one.pieces(["zuk"], [given], Search(n_best=9))
    assert [line for line in alone.lines if line][:8] == [text for text in answers if text != "zuked"]


def test_a_baseline_with_letters_that_cannot_be_written_is_left_out(monkeypatch):
    experiment = prepared(WORDS)
    writers = experiment._writers
    monkeypatch.setattr(writers.baseline, "answers", lambda prompts: ["ωωω" for _ in prompts])
    source = experiment.prompts.encode([("walk",)], ["n.tsv:1"])
    (found,) = writers.candidates([("walk",)], source, beams=2, alpha=1.0)
    assert "ωωω" not in texts(found)
    assert candidates.LEAD == 2  # as the description of data.residual says
