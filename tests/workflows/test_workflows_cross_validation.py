"""Few sequences: cross-validation finds how long to train on all of them, and its score is the one that is told."""

from __future__ import annotations

import contextlib
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from statistics import stdev
from types import SimpleNamespace
from typing import Any

import pytest

from rnncli.data.source import Source
from rnncli.errors import ConfigError, StoppedError, UsageError
from rnncli.nn import model_file
from rnncli.notes import Doubt, noting
from rnncli.tasks.cross_validation import CrossValidation
from rnncli.tasks.registry import TASKS, config_from_mapping, load_run_config
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer
from rnncli.training.reports import Figure, Finished, Score
from rnncli.workflows import train as workflow
from rnncli.workflows.evaluate import Request as Evaluating
from rnncli.workflows.evaluate import evaluate
from rnncli.workflows.inspect_grads import Request as Inspecting
from rnncli.workflows.inspect_grads import inspect_grads
from rnncli.workflows.train import train
from rnncli.workflows.train_request import Request

POOL = ThreadPool(1)
RANDOM = random.Random(4)
COLOURS = ("red", "blue", "green")


def _labelled() -> str:
    rows = [(RANDOM.choice(COLOURS), RANDOM.randrange(999)) for _ in range(60)]
    labels = [RANDOM.choice("abc") if n % 5 == 0 else colour[0] for colour, n in rows]
    return "text,label\n" + "".join(f"{c} {n},{label}\n" for (c, n), label in zip(rows, labels, strict=True))


def _tagged() -> str:
    words = [[RANDOM.choice(COLOURS) for _ in range(RANDOM.randrange(2, 5))] for _ in range(30)]
    return "\n\n".join("\n".join(f"{word} {word[0].upper()}" for word in some) for some in words) + "\n"


DATA: dict[str, tuple[str, str, dict[str, Any]]] = {
    "classify": ("t.csv", _labelled(), {}),
    "regress": ("t.csv", "text,label\n" + "".join(f"{'ab' * (n % 7)}c{n},{n % 7}\n" for n in range(40)), {}),
    "tag": ("t.conll", _tagged(), {}),
    "seq2seq": ("t.csv", "source,target\n" + "".join(f"{n:04b},{n % 4:02b}\n" for n in range(30)), {}),
    "caption": ("t.csv", "inputs,target\n" + "".join(f"{n},{n % 3}x\n" for n in range(30)), {"target": "target"}),
}


def config_of(task: str, data: dict[str, Any] | None = None, **training: Any) -> dict[str, Any]:
    return {
        "task": task,
        "data": {**DATA[task][2], **(data or {})},
        "model": {"cell": "gru", "hidden_size": 5, "num_layers": 1},
        "training": {"batch_size": 8, "epochs": 4, "learning_rate": 0.02, "threads": 1, **training},
    }


def prepared(task: str, data: dict[str, Any] | None = None) -> Any:
    name, content, _ = DATA[task]
    config = config_from_mapping(config_of(task, data))
    with noting(lambda text: None):
        return TASKS[task].prepare(config, Source(name, content.encode()), Context(POOL))


def updated(network: Any, learner: Any, updates: int) -> Any:
    optimizer = Optimizer("adam", network, None, POOL)
    for update in range(updates):
        learner.gradient(update)
        optimizer.update(0.01, optimizer.gradient_norms())
    return network


@pytest.mark.parametrize("task", DATA)
def test_networks_of_the_folds_learn_side_by_side_what_each_learns_alone(task: str) -> None:
    whole = prepared(task)
    together = CrossValidation(whole, whole.folds())
    assert len(together.each) == 5
    updated(together.network, together.learner, 4)
    total, count = together.learner.validate()
    sums, figures = [], []
    for fold, alone in zip(together.each, prepared(task).folds(), strict=True):
        updated(alone.network, alone.learner, 4)
        assert fold.network.parameters.weights.tobytes() == alone.network.parameters.weights.tobytes()
        sums.append(alone.learner.validate())
        figures.append(alone.learner.figure())
    assert (total, count) == (pytest.approx(sum(loss for loss, _ in sums)), sum(n for _, n in sums))
    pooled = together.learner.figure()
    assert pooled is not None
    assert pooled.count == sum(one.count for one in figures)
    power = 2 if task == "regress" else 1
    whole_sum = sum(one.value**power * one.count for one in figures)
    assert pooled.value == pytest.approx((whole_sum / pooled.count) ** (1 / power))


def test_few_sequences_are_cross_validated_unless_validation_is_given() -> None:
    for data, wanted in (
        ({}, (None, 5)),
        ({"folds": 3}, (None, 3)),
        ({"folds": 0}, (0.1, 0)),
        ({"validation": 0.1}, (0.1, 0)),
        ({"validation": 0.0}, (0.0, 0)),
    ):
        experiment = prepared("classify", data)
        assert (experiment.config.data.validation, experiment.config.data.folds) == wanted
        assert len(experiment.folds()) == wanted[1]


def test_many_are_not() -> None:
    rows = "text,label\n" + "".join(f"x{n},{'ab'[n % 2]}\n" for n in range(1000))
    for content, wanted in ((rows, (0.1, 0)), (rows.replace("x0,a\n", ""), (None, 5))):
        config = config_from_mapping(config_of("classify"))
        experiment = TASKS["classify"].prepare(config, Source("t.csv", content.encode()), Context(POOL))
        assert (experiment.config.data.validation, experiment.config.data.folds) == wanted  # type: ignore[attr-defined]


def run_in(folder: Path, name: str, config: dict[str, Any], *, resume: bool = False) -> Finished:
    reports: list[Any] = []
    path = folder / f"{name}.json"
    path.write_text(json.dumps(config | {"data": config["data"] | {"path": "t.csv"}}), encoding="utf-8")
    yaml = path.rename(path.with_suffix(".yaml"))
    train(Request(None if resume else str(yaml), out=str(folder / name), resume=resume), reports.append)
    assert isinstance(reports[-1], Finished)
    return reports[-1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(DATA["classify"][1], encoding="utf-8")
    return tmp_path


def test_the_score_is_that_of_what_was_left_out_and_the_model_is_trained_on_all(folder: Path) -> None:
    finished = run_in(folder, "run", config_of("classify", schedule="constant", clip_norm=None))
    lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    top = max(line["figure"] for line in lines)
    share = (60 * top + 1) / 62
    least = top - math.sqrt(share * (1 - share) / 60)  # a standard error less
    best = min((line for line in lines if line["figure"] >= least), key=lambda line: line["valid_loss"])
    score = finished.score
    assert score is not None
    assert (finished.kept, finished.best_update, score.split) == ("cross-validated", best["step"], "cross-validated")
    assert score.network == pytest.approx(best["figure"], abs=1e-12)
    assert score.confusion is not None
    right = sum(count for i, k, count in score.confusion.pairs if i == k)
    assert right / 60 == pytest.approx(score.network, abs=1e-12)  # each of 60 was left out once
    assert sum(count for _, _, count in score.confusion.pairs) == 60

    # What is saved is what training on all without validation gives after so many epochs.
    per_epoch = math.ceil(48 / 8)
    assert best["step"] % per_epoch == 0
    config = config_of(
        "classify", {"validation": 0.0}, schedule="constant", clip_norm=None, epochs=best["step"] // per_epoch
    )
    assert run_in(folder, "all", config).kept == "last"
    one, other = (model_file.read(folder / name / "model.safetensors")[0] for name in ("run", "all"))
    assert one.keys() == other.keys()
    assert all(one[key].tobytes() == other[key].tobytes() for key in one)


def test_evaluate_tells_the_score_of_cross_validation_and_others_of_other_data(folder: Path) -> None:
    finished = run_in(folder, "run", config_of("classify"))
    kept = evaluate(Evaluating(str(folder / "run")), lambda report: None).score
    assert kept == finished.score
    (folder / "other.csv").write_text("text,label\nred 5,r\nblue 7,b\n", encoding="utf-8")
    other = evaluate(Evaluating(str(folder / "run"), (str(folder / "other.csv"),)), lambda report: None).score
    assert other.split == "test"
    assert "2 sequences" in other.detail


def test_the_state_of_folds_is_no_state_to_inspect(folder: Path) -> None:
    run_in(folder, "run", config_of("classify", epochs=1))
    with pytest.raises(UsageError, match="that of a cross-validation; leave out --at"):
        inspect_grads(Inspecting(str(folder / "run"), at="last"), lambda text: None)
    assert inspect_grads(Inspecting(str(folder / "run")), lambda text: None).at == "best"


def test_a_run_of_0_1_keeps_its_splits(folder: Path) -> None:
    run_in(folder, "run", config_of("classify", {"validation": 0.1}, epochs=1))
    path = folder / "run/config.yaml"
    kept = [line for line in path.read_text().splitlines() if line.split(":")[0].strip() not in ("stratify", "folds")]
    path.write_text("\n".join(kept) + "\n")
    data: Any = load_run_config(path).data
    assert (data.stratify, data.folds, data.validation) == (False, None, 0.1)
    with pytest.raises(ConfigError, match=r"data\.folds.* takes the place of data\.validation; remove one"):
        load_run_config(path, ["data.folds=3"])


def test_a_test_split_is_left_out_of_every_fold_and_scored_at_the_end(folder: Path) -> None:
    config = config_of("classify", {"test": 0.2})
    experiment = prepared("classify", {"test": 0.2})
    ids = [sorted(fold.splits.held_out["validation"].ids, key=int) for fold in experiment.folds()]
    left_out = sorted((one for some in ids for one in some), key=int)
    assert left_out == sorted(experiment.splits.train.ids, key=int)
    assert len(left_out) == 48
    score = run_in(folder, "run", config).score
    assert score is not None
    assert score.split == "test"


class StopAfter(SimpleNamespace):
    """A request to stop after so many updates."""

    signal_number = 2

    def __call__(self) -> bool:
        self.left -= 1
        return bool(self.left == 0)


@pytest.mark.parametrize("updates", [5, 8, 20, 35, 40])  # of 32 of the folds, and those of the whole after them
def test_a_run_that_is_stopped_ends_as_one_that_was_not(
    updates: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of("classify")
    whole = run_in(folder, "whole", config)

    @contextlib.contextmanager
    def stopping(**numbers: object) -> Iterator[StopAfter]:
        yield StopAfter(left=updates)

    with monkeypatch.context() as patched:
        patched.setattr(workflow, "stop_on_signals", stopping)
        with pytest.raises(StoppedError, match=r"go on with: rnncli train .*--resume"):
            run_in(folder, "run", config)
    again = run_in(folder, "run", config, resume=True)
    assert again.score == whole.score
    files = [(folder / name / "model.safetensors").read_bytes() for name in ("whole", "run")]
    assert files[0] == files[1]


def test_a_pooled_score_is_the_mean_of_the_folds_and_survives_json() -> None:
    from rnncli.training.folds import pooled
    from rnncli.training.reports import Confusion

    confusions = (Confusion(("a", "b"), ((0, 0, 2), (1, 0, 1))), Confusion(("b", "c"), ((0, 1, 3),)))
    scores = [
        Score("validation", "accuracy", value, (("majority", 0.5), (name, 0.1)), "", True, confusion, (("f", value),))
        for value, name, confusion in zip((0.5, 0.8), ("only here", "only there"), confusions, strict=True)
    ]
    score = pooled(scores, [10, 30], "40 answers")
    assert score.network == pytest.approx(0.725)
    assert score.baselines == (("majority", 0.5),)
    assert score.figures == (("f", pytest.approx(0.725)),)
    error = stdev([0.5, 0.8]) / math.sqrt(2)
    assert score.detail == f"40 answers, 2 folds, standard error {error:.4f}"
    assert score.higher_is_better
    assert score.confusion == Confusion(("a", "b", "c"), ((0, 0, 2), (1, 0, 1), (1, 2, 3)))
    assert Score.from_header(json.loads(json.dumps(score.to_header()))) == score


def test_the_cross_validated_rmse_is_that_of_all_answers_together() -> None:
    whole = prepared("regress")
    together = CrossValidation(whole, whole.folds())
    updated(together.network, together.learner, 4)
    score = together.score()
    assert score is not None
    assert score.compared is not None
    roots = {name: math.sqrt(squared.mean()) for name, squared in score.compared.errors.items()}
    assert score.network == pytest.approx(roots["network"]) == pytest.approx(together.learner.figure().value)
    assert dict(score.baselines) == pytest.approx({name: roots[name] for name, _ in score.baselines})


@pytest.mark.parametrize(
    ("shares", "groups", "said"),
    [
        ((1.0, 1.0), 40, "up to 7.5% of new ones may be wrong"),
        ((1.0, 1.0), 10, "up to 30% of new ones may be wrong"),
        ((0.0, 0.0), 40, "up to 7.5% of new ones may be right"),
        ((1.0, 1.0), 2, "up to 100% of new ones may be wrong"),
        ((1.0, 0.95), 40, "standard error 0.0250"),
        ((0.9, 0.9), 40, "standard error 0.0512"),  # the root of p (1 − p) / 40 for p = 37 / 42
    ],
)
def test_a_perfect_score_or_folds_that_are_alike_are_no_certainty(
    shares: tuple[float, float], groups: int, said: str
) -> None:
    from rnncli.training.folds import pooled
    from rnncli.training.paired_bootstrap import Compared

    def fold(share: float) -> Score:
        inputs = [n % (groups // 2) for n in range(20)]
        one = Score("validation", "accuracy", share, (("majority", 0.5),), higher_is_better=True)
        return one.judged(Compared.of({"network": [0.0] * 20, "majority": [1.0] * 20}, inputs, "sequence"))

    assert pooled([fold(share) for share in shares], [20, 20], "40 answers").detail.endswith(f"2 folds, {said}")


# Of each kind, ten inputs six times each, and answers that belong to the input alone: what is frequent in a fold, where
# equal inputs stay together, is rare in the others.
ANSWERS = [str(k % 5) for k in range(10) for _ in range(6)]
FLOORS = {
    "classify": ("majority", "text,label\n" + "".join(f"{i // 6 * 'w '}x,{a}\n" for i, a in enumerate(ANSWERS))),
    "label sets": (
        "best constant",
        "text,label\n" + "".join(f"{i // 6 * 'w '}x,{a}{'|odd' * (i == 0)}\n" for i, a in enumerate(ANSWERS)),
    ),
    "regress": ("mean", "text,label\n" + "".join(f"{i // 6 * 'w '}x,{a}\n" for i, a in enumerate(ANSWERS))),
    "tag": ("most frequent tag", "".join(f"w{i // 6} T{a}\nx T{a}\n\n" for i, a in enumerate(ANSWERS))),
    "seq2seq": ("most frequent", "source,target\n" + "".join(f"w{i // 6},{a}\n" for i, a in enumerate(ANSWERS))),
}


@pytest.mark.parametrize("kind", FLOORS)
def test_the_floor_of_one_answer_for_all_is_never_below_what_it_is_of_all(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, content = FLOORS[kind]
    task, more = ("classify", {"label_separator": "|"}) if kind == "label sets" else (kind, {})
    monkeypatch.setitem(DATA, task, (DATA[task][0], content, {}))
    whole = prepared(task, more)
    score = CrossValidation(whole, whole.folds()).score()
    assert score is not None
    floor = dict(score.baselines)[name]
    if task == "regress":
        assert floor <= math.sqrt(2)  # the standard deviation of 0, 1, 2, 3 and 4
    else:
        assert floor >= 0.2 - 1e-9


def doubts_of(together: CrossValidation) -> list[str]:
    found: list[str] = []
    with noting(found.append):
        together.tell_doubts(None, "training.max_time=2m")
    assert all(isinstance(text, Doubt) for text in found)
    return found


@pytest.mark.parametrize("task", ["classify", "regress", "tag", "seq2seq"])
def test_a_score_is_doubted_that_the_kept_network_does_not_reach_on_its_own_data(task: str) -> None:
    whole = prepared(task, {"residual": "none"} if task in ("classify", "regress") else {})
    together = CrossValidation(whole, whole.folds())
    updated(together.network, together.learner, 120)
    figure = whole.figure_of_training()
    (text,) = [text for text in doubts_of(together) if "that is kept" in text]
    promised = together.learner.figure()
    assert figure is not None
    assert promised is not None
    assert f"has {figure.name} {figure.value:.4g} on" in text
    assert f"the {promised.value:.4g} of" in text
    assert text.endswith("train longer: --set training.max_time=2m")
    updated(whole.network, whole.learner, 400)
    assert not [text for text in doubts_of(together) if "that is kept" in text]


def test_folds_that_differ_by_more_than_chance_are_told() -> None:
    from rnncli.training.folds import uneven

    def folds(*values: float, count: int = 40) -> list[Figure]:
        return [Figure("exact match", value, count) for value in values]

    # Of 200 answers, 72% of them right, the standard error is 0.032; these have 0.18, 0.035 and 0.025.
    told = uneven(folds(0, 1, 1, 1, 0.6), 200)
    assert told == "the folds differ by more than chance, exact match 0 to 1"
    assert uneven(folds(0.6, 0.7, 0.75, 0.8, 0.75), 200) is None
    assert uneven(folds(0, 1, 1, 1, 0.6), 5) is None  # of equal inputs, which are right or wrong together
    assert uneven([Figure("RMSE", value, 40, higher_is_better=False) for value in (1, 9, 1, 1, 1)], 200) is None
    assert uneven(folds(0.5), 40) is None
