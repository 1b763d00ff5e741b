"""The loop: when it evaluates, what it keeps, why it stops, and that a resumed run ends as one never stopped."""

import json
import math
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pytest
from forecasts import direct_member, learner_of

from rnncli.data.numeric import whole_series
from rnncli.errors import DivergedError
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.parameters import Parameter, Parameters
from rnncli.tasks.forecast.baselines import last_value
from rnncli.tasks.forecast.windows import Windowing
from rnncli.tasks.language_model.streams import StreamLearner
from rnncli.training.backpropagation import CROSS_ENTROPY, Loss, ThreadPool
from rnncli.training.length import EVALUATIONS, measured_pace, planned_length
from rnncli.training.loop import TrainingLoop
from rnncli.training.optimizer import SCHEDULES, Optimizer
from rnncli.training.plan import BY_FIGURE, BY_LOSS, Plan, Position
from rnncli.training.reports import Evaluated, Figure, Progress

FLOAT32 = np.dtype(np.float32)
POOL = ThreadPool(1)


class Clock:
    """A clock that only work moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class OneWeight:
    """A network of one weight, which starts at zero."""

    def __init__(self):
        self.parameters = Parameters([Parameter("w", (1,))], FLOAT32)
        self.networks = (self,)

    def pack(self, share=None):
        pass


@dataclass
class Scripted:
    """A learner whose gradient is −1 at each update, so that sgd at rate 1 makes the weight count the updates."""

    valid: list = field(default_factory=list)  # validation losses in turn; then falling ones; [] too
    figures: list = field(default_factory=list)  # in turn; None without
    updates_per_epoch: int = 1000
    losses: dict = field(default_factory=dict)  # of updates that are not 2.0
    gradients: dict = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    update_cost: float = 0.0
    validation_cost: float = 0.0
    validated_at: list = field(default_factory=list)
    loss: Loss = CROSS_ENTROPY

    def __post_init__(self):
        self.network = OneWeight()
        self.restarts = 0

    def gradient(self, update):
        self.clock.now += self.update_cost
        self.network.parameters.gradient[:] = self.gradients.get(update, -1)
        return self.losses.get(update, 2.0) * (update + 1), update + 1

    def validate(self):
        self.clock.now += self.validation_cost
        number = len(self.validated_at)
        self.validated_at.append(float(self.network.parameters.weights[0]))
        return (self.valid[number] if number < len(self.valid) else 1 / (number + 1)) * 7, 7

    def figure(self):
        return self.figures[len(self.validated_at) - 1] if self.figures else None

    def restart(self):
        self.restarts += 1

    def arrays(self, *, before=False):
        return {}

    def restore(self, arrays):
        pass


def loop_of(
    learner,
    updates,
    schedule="constant",
    patience=None,
    rate=1.0,
    optimizer="sgd",
    least=EVALUATIONS,
    kept_by=BY_FIGURE,
    averaging=0.0,
):
    plan = Plan(updates, least, rate, schedule, patience, kept_by, weight_averaging=averaging)
    made = Optimizer(optimizer, learner.network, None, POOL)
    return TrainingLoop(learner, made, plan, getattr(learner, "clock", Clock()))


def evaluations(reports):
    return [report for report in reports if isinstance(report, Evaluated)]


@pytest.mark.parametrize(
    ("updates", "per_epoch", "wanted"),
    [
        (100, 1000, range(10, 101, 10)),  # less than an epoch: ten of them
        (95, 1000, [*range(10, 91, 10), 95]),  # the last one at the end in any case
        (100, 4, range(4, 101, 4)),  # after each epoch where that is more often
        (3, 1000, [1, 2, 3]),
        (1, 1, [1]),
    ],
)
def test_when_it_evaluates(updates, per_epoch, wanted):
    reports = list(loop_of(Scripted(updates_per_epoch=per_epoch), updates).run())
    assert [report.step for report in evaluations(reports)] == list(wanted)
    assert [report.update for report in reports if isinstance(report, Progress)] == list(range(1, updates + 1))
    assert [report.reason for report in evaluations(reports)] == ["scheduled"] * (len(wanted) - 1) + ["finished"]
    assert reports[-1] is evaluations(reports)[-1]


def test_what_a_line_says():
    learner = Scripted(updates_per_epoch=20, losses={11: 5.0}, valid=[3.0], update_cost=0.5, validation_cost=4.0)
    lines = evaluations(loop_of(learner, 100, schedule="step", rate=0.25).run())
    assert [line.epoch for line in lines] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert lines[0].tokens == sum(range(1, 11))
    assert lines[1].tokens == sum(range(1, 21))
    assert lines[0].valid_loss == 3
    assert lines[0].train_loss == 2
    trained = sum(range(11, 21))  # since the line before, each update by how many tokens it saw
    assert lines[1].train_loss == pytest.approx((2 * trained + 3 * 12) / trained, rel=1e-15)
    assert lines[0].grad_norm == 1
    assert lines[0].seconds == pytest.approx(10 * 0.5 + 4)
    assert lines[1].seconds == pytest.approx(2 * (10 * 0.5 + 4))
    assert lines[1].tokens_per_second == pytest.approx(sum(range(1, 21)) / (20 * 0.5))  # evaluation not counted


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
def test_each_update_takes_the_rate_of_its_place_in_the_run(schedule, monkeypatch):
    rates = []
    monkeypatch.setattr(Optimizer, "update", lambda self, rate, norm: rates.append(rate))
    list(loop_of(Scripted(), 40, schedule, rate=0.3).run())
    assert rates == [0.3 * SCHEDULES[schedule](u / 40) for u in range(40)]
    assert schedule == "constant" or rates[-1] < 0.05 < rates[0]


def test_the_rate_rises_over_the_warm_up_and_the_schedule_follows_it(monkeypatch):
    rates = []
    monkeypatch.setattr(Optimizer, "update", lambda self, rate, norm: rates.append(rate))
    loop = loop_of(Scripted(), 40, "cosine", rate=0.3)
    loop.plan = replace(loop.plan, warmup=8)
    list(loop.run())
    assert rates[:8] == [0.3 * (u + 1) / 8 for u in range(8)]
    assert rates[8:] == [0.3 * SCHEDULES["cosine"](u / 32) for u in range(32)]


def test_a_run_that_is_all_warm_up():
    loop = loop_of(Scripted(), 4)
    loop.plan = replace(loop.plan, warmup=4)
    assert list(loop.run())[-1].learning_rate == 1


def test_plateau_halves_the_rate_of_the_updates_that_follow(monkeypatch):
    rates = []
    monkeypatch.setattr(Optimizer, "update", lambda self, rate, norm: rates.append(rate))
    valid = [5, 6, 7, 4, 4, 4, 4, 4, 1, 1]  # as good is not better
    list(loop_of(Scripted(valid), 20, "plateau", rate=0.8).run())
    assert rates == [0.8] * 6 + [0.4] * 6 + [0.2] * 4 + [0.1] * 4


def test_the_best_weights_are_those_of_the_lowest_validation_loss():
    learner = Scripted(valid=[5, 3, 4, 2, 2, 6, 2.5, 3, 9, 9])
    loop = loop_of(learner, 50)
    improved = [line.step for line in evaluations(loop.run()) if line.improved]
    assert improved == [5, 10, 20]
    assert loop.best.tolist() == [20]
    assert (loop.position.best_loss, loop.position.best_update) == (2, 20)
    assert learner.network.parameters.weights.tolist() == [50]


def accuracies(*values):
    return [Figure("accuracy", value) for value in values]


DISAGREEING = {
    "valid": [5, 4, 3, 2, 1, 1, 0.5, 2, 9, 9],
    "figures": accuracies(0.1, 0.7, 0.6, 0.7, 0.7, 0.7, 0.2, 0.7, 0, 0),
}


def test_the_best_weights_are_those_of_the_best_figure_and_of_equal_ones_of_the_lowest_loss():
    loop = loop_of(Scripted(**DISAGREEING), 50)
    lines = evaluations(loop.run())
    assert [line.step for line in lines if line.improved] == [5, 10, 20, 25]  # 30 is as good as 25, not better
    assert [line.figure.value for line in lines] == [0.1, 0.7, 0.6, 0.7, 0.7, 0.7, 0.2, 0.7, 0, 0]
    assert loop.best.tolist() == [25]
    assert (loop.position.best_gain, loop.position.best_loss, loop.position.best_update) == (0.7, 1, 25)


def test_of_figures_within_a_margin_the_lowest_loss_is_kept():
    values = [0.5, 0.85, 0.8, 0.9, 0.83, 0.7, 0.825, 0.99, 0.9, 0.9]
    figures = [Figure("accuracy", value, margin=0.08) for value in values]
    loop = loop_of(Scripted(valid=[9, 8, 7, 6, 5, 1, 4, 8, 1, 1], figures=figures), 50)
    # 35 has the lowest loss of those above 0.82, before 40 is the only one above 0.91.
    assert [line.step for line in evaluations(loop.run()) if line.improved] == [5, 10, 15, 20, 25, 35, 40]
    assert loop.best.tolist() == [40]


def test_a_figure_of_which_less_is_better():
    errors = [Figure("RMSE of y", value, higher_is_better=False) for value in (3, 2, math.nan, 4, 1, 5, 5, 5, 5, 5)]
    loop = loop_of(Scripted(figures=errors), 50)
    assert [line.step for line in evaluations(loop.run()) if line.improved] == [5, 10, 25]
    assert loop.best.tolist() == [25]


def test_patience_and_plateau_go_by_the_figure(monkeypatch):
    rates = []
    monkeypatch.setattr(Optimizer, "update", lambda self, rate, norm: rates.append(rate))
    learner = Scripted(figures=accuracies(0.5, 0.4, 0.3, 0.2, 0.1), valid=[5, 4, 3, 2, 1])
    lines = evaluations(loop_of(learner, 20, "plateau", rate=0.8, patience=4).run())
    assert (lines[-1].step, lines[-1].reason) == (10, "patience")
    assert rates == [0.8] * 6 + [0.4] * 4


def test_a_run_that_an_older_version_began_goes_on_by_the_loss():
    loop = loop_of(Scripted(**DISAGREEING), 50, kept_by=BY_LOSS)
    assert [line.step for line in evaluations(loop.run()) if line.improved] == [5, 10, 15, 20, 25, 35]
    assert loop.best.tolist() == [35]
    assert Plan(50, 10, 1.0, "constant", None).kept_by == BY_LOSS  # its state does not say


def test_patience_counts_evaluations_without_a_better_one():
    learner = Scripted(valid=[5, 6, 4, 4, 9, 3, 1, 1, 1, 1])
    lines = evaluations(loop_of(learner, 50, patience=2).run())
    assert [line.reason for line in lines] == ["scheduled"] * 4 + ["patience"]
    assert lines[-1].step == 25
    assert evaluations(loop_of(Scripted(valid=[5, 6, 4, 4, 9]), 5, patience=2).run())[-1].reason == "finished"


def test_a_run_that_ran_out_of_patience_does_not_go_on_when_resumed():
    learner = Scripted(valid=[5, 6, 7, 1])
    loop = loop_of(learner, 40, patience=2)
    assert evaluations(loop.run())[-1].reason == "patience"
    resumed = loop_of(Scripted(valid=[1, 1, 1]), 40, patience=2)
    resumed.restore(*saved(loop))
    assert [report for report in resumed.run() if isinstance(report, Progress)] == []
    assert resumed.best.tolist() == loop.best.tolist() == [4]


@pytest.mark.parametrize("stopped_at", [1, 3, 10, 13, 20])
def test_a_stop_is_evaluated_and_decides_nothing(stopped_at):
    learner = Scripted(valid=[5, 6, 7, 8], losses={12: 3.0})
    loop = loop_of(learner, 100)
    reports = list(loop.run(lambda: loop.position.update >= stopped_at))
    last = reports[-1]
    scheduled = stopped_at % 10 == 0
    assert (last.step, last.reason) == (stopped_at, "stopped")
    assert len(learner.validated_at) == len(evaluations(reports)) == -(-stopped_at // 10)
    assert last.improved == (stopped_at == 10)
    assert loop.best.tolist() == [10 if stopped_at >= 10 else 0]
    assert loop.position.best_loss == (5 if stopped_at >= 10 else math.inf)
    assert loop.position.evaluations_since_best == (1 if stopped_at == 20 else 0)
    assert scheduled or last.train_loss == (2 if stopped_at < 13 else pytest.approx((2 * 36 + 13) / 36))


def test_a_stop_at_the_last_update_is_a_finish():
    loop = loop_of(Scripted(), 10)
    assert list(loop.run(lambda: loop.position.update == 10))[-1].reason == "finished"


@pytest.mark.parametrize(
    "trouble",
    [{"losses": {6: math.nan}}, {"losses": {6: math.inf}}, {"gradients": {6: math.nan}}, {"gradients": {6: -math.inf}}],
)
def test_a_number_that_is_not_finite_ends_the_run_before_it_reaches_the_weights(trouble):
    loop = loop_of(Scripted(valid=[3, 2], **trouble), 20)
    with pytest.raises(DivergedError, match=r"at update 7: the loss is .* lower training.learning_rate") as caught:
        list(loop.run())
    assert caught.value.exit_code == 6
    assert loop.parameters.weights.tolist() == [6]
    assert loop.best.tolist() == [6]
    assert loop.position.update == 6


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_validation_loss_that_is_not_finite_ends_the_run(loss):
    learner = Scripted(valid=[3, 2, loss], figures=[None, None])  # asked for a third figure, it has none
    loop = loop_of(learner, 20)
    with pytest.raises(DivergedError, match=r"after update 6 the validation loss is (nan|inf); lower"):
        list(loop.run())
    assert loop.best.tolist() == [4]


def test_a_loss_that_no_weights_come_back_from_ends_the_run_too():
    for loss, ends in [(0.9 * CROSS_ENTROPY.absurd, False), (1.1 * CROSS_ENTROPY.absurd, True)]:
        loop = loop_of(Scripted(losses={7: loss}), 20)
        if ends:
            with pytest.raises(DivergedError, match="at update 8"):
                list(loop.run())
        else:
            assert list(loop.run())[-1].reason == "finished"


def test_weights_that_are_not_finite_end_the_run_where_there_is_no_validation_part():
    learner = Scripted(gradients={5: np.inf})
    learner.validate = lambda: (math.nan, 0)
    loop = loop_of(learner, 20)
    loop.optimizer.gradient_norms = lambda: [1.0]
    with pytest.raises(DivergedError), np.errstate(all="ignore"):
        list(loop.run())
    assert np.isfinite(loop.best).all()


@pytest.mark.thorough
def test_an_exploding_network_diverges():
    loop = loop_of(forecaster(activation="identity", cell="rnn"), 200, rate=1e4)
    with pytest.raises(DivergedError, match=r"lower training\.learning_rate"), np.errstate(all="ignore"):
        list(loop.run())
    assert np.isfinite(loop.best).all()


@pytest.mark.parametrize(("kept_by", "kept"), [(BY_FIGURE, [10, 20, 30, 40]), (BY_LOSS, [10, 20])])
def test_without_a_validation_part_the_last_weights_are_kept(kept_by, kept):
    learner = Scripted(losses=dict.fromkeys(range(10, 20), 1.0))
    learner.validate = lambda: (math.nan, 0)
    loop = loop_of(learner, 40, schedule="plateau", patience=3, kept_by=kept_by)
    loop.evaluate_every = 10
    lines = evaluations(loop.run())
    assert [line.valid_loss for line in lines] == [None] * 4
    assert [line.step for line in lines if line.improved] == kept
    assert (
        loop.best.tobytes()
        == (learner.network.parameters.weights if kept_by == BY_FIGURE else np.float32(20)).tobytes()
    )
    assert loop.position.evaluations_since_best == 2  # of the training loss, which patience and plateau go by


# Exact resume.


def text(N, seed=0):
    random = np.random.default_rng(seed)
    return (np.cumsum(random.integers(0, 2, N)) % 6 + 1).astype(np.int32)


def language_model(cell="lstm", bptt=7, stride=7, valid=60, dropout=0.3):
    network = Network(NetworkShape(cell, 7, 9, 2, 7, token_input=True, dropout=dropout))
    network.initialise("orthogonal", 1.0, 3)
    ids = text(4 * 33)
    return StreamLearner(
        network,
        ids,
        text(valid, 1),
        ids if valid else ids[:0],
        batch_size=4,
        bptt=bptt,
        stride=stride,
        seed=3,
        pool=POOL,
    )


def forecaster(cell="gru", activation="tanh", valid=True):
    values = np.sin(np.arange(90.0) / 3)[:, None] + np.random.default_rng(0).normal(0, 0.1, (90, 1))
    fixed = tuple(part[None] for part in whole_series(values[:70]))
    windowing = Windowing(12, 3, 1, "standard", last_value, fixed)
    shape = NetworkShape(
        cell, 1, 8, 2, 3, token_input=False, activation=activation, dropout=0.2, head_starts_at_zero=True
    )
    member = direct_member(shape, windowing, POOL, bptt=9, dtype=FLOAT32)
    return learner_of(member, values, (0, 70), (70, 90 if valid else 70), batch_size=16, seed=3)


RUNS = {
    "dropout, momentum, plateau": (language_model, {}, "momentum", "plateau", 0.5),
    "a figure, adam, plateau": (lambda: judged(language_model()), {}, "adam", "plateau", 0.02),
    "overlapping windows, adam": (language_model, {"cell": "gru", "bptt": 8, "stride": 5}, "adam", "cosine", 0.02),
    "an average, a figure, adam": (lambda: judged(language_model()), {}, "adam", "cosine", 0.02, 0.7),
    "no validation part": (language_model, {"valid": 0}, "sgd", "plateau", 2.0),
    "series, adamw, step": (forecaster, {}, "adamw", "step", 0.01),
    "series, rmsprop, plateau": (forecaster, {"valid": False}, "rmsprop", "plateau", 0.05),
}
UPDATES = 14


def saved(loop):
    """What a run directory keeps: copies of the arrays, and the position through JSON."""
    position = json.loads(json.dumps(asdict(loop.snapshot())))
    return {name: array.copy() for name, array in loop.arrays().items()}, Position(**position)


def fresh(run):
    make, options, optimizer, schedule, rate, *averaging = RUNS[run]
    return loop_of(
        make(**options), UPDATES, schedule, rate=rate, optimizer=optimizer, averaging=averaging[0] if averaging else 0.0
    )


def judged(learner):
    """Give a learner a figure that goes up and down with its weights."""
    learner.figure = lambda: Figure("hundredths", int(1000 * abs(learner.network.parameters.weights).sum()) % 100 / 100)
    return learner


def outcome(line):
    """Of a line of metrics, what does not depend on the clock."""
    return {k: v for k, v in asdict(line).items() if k not in ("seconds", "tokens_per_second")}


@pytest.mark.parametrize("run", RUNS)
def test_a_run_stopped_at_any_update_ends_as_one_that_was_not(run):
    whole = fresh(run)
    wanted = {line.step: outcome(line) for line in evaluations(whole.run())}
    assert len({line["train_loss"] for line in wanted.values()}) > 3
    for stopped_at in range(1, UPDATES):
        first = fresh(run)
        for report in first.run(lambda: first.position.update == stopped_at):  # noqa: B023
            if isinstance(report, Evaluated):
                state = saved(first)  # at the report, as the run directory does
        second = fresh(run)
        second.parameters.weights[:] = 7  # whatever a new process starts with
        second.restore(*state)
        for line in evaluations(second.run()):
            assert outcome(line) == wanted[line.step], stopped_at
        assert second.parameters.weights.tobytes() == whole.parameters.weights.tobytes(), stopped_at
        assert second.best.tobytes() == whole.best.tobytes(), stopped_at
        clocked = {"seconds": 0, "update_seconds": 0}
        assert asdict(second.snapshot()) | clocked == asdict(whole.snapshot()) | clocked, stopped_at


@pytest.mark.parametrize("lost", ["weights", "best", "optimizer.first", "carried.h0", "carried.c1"])
def test_every_saved_array_matters(lost):
    """Or the comparison above would not notice one that is not restored."""
    run = "dropout, momentum, plateau"
    whole = fresh(run)
    list(whole.run())
    first = fresh(run)
    list(first.run(lambda: first.position.update == 9))
    arrays, position = saved(first)
    arrays[lost] = arrays[lost] * np.float32(0.5)
    position.best_loss = -1.0 if lost == "best" else position.best_loss  # no later weights may replace them
    second = fresh(run)
    second.restore(arrays, position)
    list(second.run())
    changed = second.best if lost == "best" else second.parameters.weights
    assert changed.tobytes() != (first.best if lost == "best" else whole.parameters.weights).tobytes()


def test_the_saved_average_matters():
    run = "an average, a figure, adam"
    whole = fresh(run)
    wanted = evaluations(whole.run())[-1].losses
    for spoilt in ("average", "average_power", None):
        first = fresh(run)
        list(first.run(lambda: first.position.update == 9))  # noqa: B023
        arrays, position = saved(first)
        if spoilt == "average":
            arrays[spoilt] = arrays[spoilt] * np.float32(0.5)
        elif spoilt:
            position.average_power = 1.0
        second = fresh(run)
        second.restore(arrays, position)
        found = evaluations(second.run())[-1].losses
        assert found[0] == wanted[0]
        assert (found[1] == wanted[1]) == (spoilt is None)


def test_another_models_state_is_refused():
    state, position = saved(fresh("series, adamw, step"))
    with pytest.raises(ValueError, match="the arrays are of another model"):
        fresh("dropout, momentum, plateau").restore(state, position)
    arrays, position = saved(fresh("dropout, momentum, plateau"))
    arrays.pop("carried.h0")
    with pytest.raises(ValueError, match="the arrays are of another model"):
        fresh("dropout, momentum, plateau").restore(arrays, position)


# How long a run is.


def planned(learner, epochs, max_time):
    optimizer = Optimizer("sgd", learner.network, None, POOL)
    return planned_length(
        learner, optimizer, epochs * learner.updates_per_epoch, max_time, learner.validate, learner.clock
    )


def test_without_max_time_a_run_is_its_epochs():
    assert planned(Scripted(updates_per_epoch=7), 3, None).updates == 21


@pytest.mark.parametrize("max_time", [20.0, 200.0])
@pytest.mark.parametrize("validation_cost", [0.0, 0.3, 1.5])
@pytest.mark.parametrize("update_cost", [0.01, 0.2, 1.0])
@pytest.mark.parametrize("per_epoch", [3, 40, 1000])
def test_a_run_with_max_time_ends_in_time_and_uses_most_of_it(per_epoch, update_cost, validation_cost, max_time):
    learner = Scripted(updates_per_epoch=per_epoch, update_cost=update_cost, validation_cost=validation_cost)
    began = learner.clock()
    updates, least = planned(learner, 100, max_time)
    assert 1 <= updates <= 100 * per_epoch
    list(loop_of(learner, updates, least=least).run())
    spent = learner.clock() - began
    if updates > 1:
        assert spent <= max_time
    if updates < 100 * per_epoch and 3 * (update_cost + validation_cost) < max_time / 4:
        assert spent > 0.5 * max_time


@dataclass
class Hampered(Scripted):
    """A learner that a loaded machine hampers for so many seconds, after a time: all takes twenty times as long."""

    after: float = 0.0
    hampered: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        self.began = self.clock()

    def gradient(self, update):
        self._wait(self.update_cost)
        return super().gradient(update)

    def validate(self):
        self._wait(self.validation_cost)
        return super().validate()

    def _wait(self, cost):
        if self.after <= self.clock() - self.began < self.after + self.hampered:
            self.clock.now += 19 * cost


@pytest.mark.parametrize(("after", "hampered"), [(0.0, 0.01), (0.0, 0.9), (0.3, 0.5), (1.2, 0.5), (2.02, 0.1)])
def test_a_slow_moment_does_not_spoil_the_pace(after, hampered):
    learner = Hampered(update_cost=0.04, validation_cost=0.1, after=after, hampered=hampered)
    optimizer = Optimizer("sgd", learner.network, None, POOL)
    pace = measured_pace(learner, optimizer, 2.0, learner.validate, learner.clock)
    assert pace.per_update == pytest.approx(0.04)
    assert pace.per_evaluation == pytest.approx(0.1)
    assert pace.took < 6.0


def test_batches_that_differ_give_the_pace_of_their_mean():
    learner = Scripted(updates_per_epoch=10)
    optimizer = Optimizer("sgd", learner.network, None, POOL)

    def uneven(update):
        learner.clock.now += 0.01 * (update + 1)
        return 1.0, 1

    learner.gradient = uneven
    pace = measured_pace(learner, optimizer, 5.0, learner.validate, learner.clock)
    assert pace.per_update == pytest.approx(0.055)


def test_time_that_is_up_already_leaves_one_update():
    assert planned(Scripted(update_cost=5.0), 10, 1.0).updates == 1


def test_the_calibration_changes_neither_weights_nor_what_is_carried():
    learner, other = language_model(), language_model()
    before = learner.network.parameters.weights.copy()
    optimizer = Optimizer("momentum", learner.network, None, POOL)
    planned_length(learner, optimizer, 3 * learner.updates_per_epoch, 60.0, learner.validate)
    assert np.array_equal(learner.network.parameters.weights, before)
    assert not any(array.any() for array in learner.arrays().values())
    assert not optimizer.first.any()
    assert optimizer.powers == [1, 1]
    assert learner.gradient(0) == other.gradient(0)
