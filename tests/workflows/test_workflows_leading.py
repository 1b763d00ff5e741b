"""Training on several ranks, here threads: one reads, says and writes, and the bytes are those of one alone."""

from pathlib import Path

import pytest
import shards
import sounds
from tied_ranks import led, model, train_on

from rnncli.config.loading import dump_config
from rnncli.errors import ConfigError, DataError, MachineError, StoppedError, UsageError
from rnncli.training.reports import Evaluated, Finished
from rnncli.workflows import evaluate
from rnncli.workflows.leading import Greeting, require_alike, threads_of
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.train import train
from rnncli.workflows.train_request import Request

TEXT = "".join(f"The {('fox', 'hen', 'crow')[i % 3]} saw the {('well', 'barn')[(i * i) % 2]}.\n" for i in range(40))
LABELLED = "text,label\n" + "".join(f"{'ab' * (i % 4)}{'c' * (i % 3)}d,{'xy'[i % 4 > 1]}\n" for i in range(48))
SMALL = "model: {cell: gru, hidden_size: 4, num_layers: 1, dropout: 0.2}\n"
TRAINING = "training: {epochs: 3, batch_size: 8, threads: 1, shards: 4"
CONFIGS = {
    "text": f"task: language-model\ndata: {{path: a.txt, validation: held.txt}}\n{SMALL}{TRAINING}, bptt: 16}}\n",
    "labels": f"task: classify\ndata: {{path: labels.csv, validation: 0.25}}\n{SMALL}{TRAINING}, seeds: 2}}\n",
    "folds": f"task: classify\ndata: {{path: labels.csv, folds: 2}}\n{SMALL}{TRAINING}}}\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "a.txt").write_text(TEXT)
    (folder / "held.txt").write_text(TEXT[:200])
    (folder / "labels.csv").write_text(LABELLED)
    for name, config in CONFIGS.items():
        (folder / f"{name}.yaml").write_text(config)
    return folder


def trained(folder: Path, name: str, size: int, out: str, *more: str, **options) -> Path:
    run = folder / out
    assert train_on(size, Request(str(folder / f"{name}.yaml"), (), str(run), more, **options)) == [0] * (size - 1)
    return run


@pytest.mark.parametrize("name", CONFIGS)
def test_one_two_and_four_ranks_write_the_same_bytes(folder, name):
    models = [model(trained(folder, name, size, f"{name}-{size}")) for size in (1, 2, 4)]
    assert models[0] == models[1] == models[2]


def test_a_run_that_is_resumed_or_starts_from_another_goes_on_on_other_ranks(folder):
    whole = trained(folder, "text", 1, "whole")
    for size in (2, 4):
        run = folder / f"again-{size}"

        def stop(report, size=size):
            if isinstance(report, Evaluated) and report.step > 3:
                raise StoppedError("so far")

        request = Request(str(folder / "text.yaml"), (), str(run))
        with pytest.raises(StoppedError):
            train_on(size, request, stop)
        train_on(6 - size, Request(None, (), str(run), resume=True))
        assert model(run) == model(whole)
    ends = [folder / f"from-{size}" for size in (1, 2)]
    for size, run in enumerate(ends, 1):
        train_on(size, Request(None, (), str(run), origin=str(whole)))
    assert model(ends[0]) == model(ends[1])


def test_a_time_is_measured_by_one_clock(folder):
    reports = []
    request = Request(
        str(folder / "text.yaml"),
        (),
        str(folder / "timed"),
        ["training.epochs=null", "training.precision=float32", "training.max_time=1s"],
    )
    assert train_on(2, request, reports.append) == [0]
    assert isinstance(reports[-1], Finished)


def test_mistakes_end_the_others_before_anything_is_written(folder):
    def refused(error, *more, first="text.yaml"):
        with pytest.raises(error) as refusal:
            train_on(2, Request(str(folder / first), (), str(folder / "none"), more))
        assert not (folder / "none").exists()
        return str(refusal.value)

    assert "training.shards" in refused(ConfigError, "training.shards=null")
    refused(ConfigError, "model.hidden_size=0")
    refused(UsageError, first="nothing.yaml.txt")
    (folder / "empty.txt").write_text("")
    refused(DataError, first="empty.txt")


def test_a_disk_that_is_full_when_an_evaluation_is_saved_ends_the_others_with_it(folder, monkeypatch):
    def full(*arguments, **options):
        raise MachineError("no room")

    monkeypatch.setattr(RunDirectory, "append_metrics", full)
    with pytest.raises(MachineError, match="no room"):
        train_on(2, Request(str(folder / "text.yaml"), (), str(folder / "full")))


def greeting(**changes):
    return Greeting(
        **{"version": "1", "request": "a", "fused": True, "host": "h", "cpus": frozenset({0, 1}), **changes}
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "2", "host": "b"}, "rank 1 on b has rnncli 2, and rank 0 on h has 1; install"),
        ({"request": "b"}, "rank 1 on h was started with other arguments"),
        ({"fused": False}, "lacks AVX2 with FMA"),
    ],
)
def test_ranks_that_differ_are_refused(changes, words):
    require_alike([greeting(), greeting()])
    with pytest.raises(UsageError, match=words):
        require_alike([greeting(), greeting(**changes)])


def test_threads_are_the_cores_that_ranks_of_a_host_share():
    eight = frozenset(range(8))
    unbound = [greeting(cpus=eight)] * 4 + [greeting(host="b", cpus=eight)]
    assert [threads_of(unbound, rank) for rank in (0, 3, 4)] == [2, 2, 8]
    bound = [greeting(cpus=frozenset({rank})) for rank in range(4)]
    assert [threads_of(bound, rank) for rank in range(4)] == [1, 1, 1, 1]
    crowded = [greeting()] * 8
    assert threads_of(crowded, 5) == 1
    assert threads_of([greeting(cpus=frozenset({k})) for k in (0, 0, 1)], 2) == 1


@pytest.mark.parametrize("kind", ["tied words", "direct", "composed words", "additive attention", "recordings"])
def test_ranks_evaluate_as_one_process_does(tmp_path, kind, monkeypatch):
    monkeypatch.setattr("rnncli.tasks.forecast.windows.EVALUATED_AT_ONCE", 5)
    config, source = shards.config_of(kind, threads=1)
    (tmp_path / source.name).write_bytes(source.content)
    (tmp_path / "c.yaml").write_text(dump_config(config.changed(data={"path": str(tmp_path / source.name)})))
    run = str(train(Request(str(tmp_path / "c.yaml"), (), str(tmp_path / "run")), lambda report: None))

    def told(size, *data):
        request = evaluate.Request(run, data)
        made, codes = led(size, lambda lead: evaluate.evaluate(request, lambda report: None, lead))
        assert codes == [0] * (size - 1)
        return repr(made.score), repr(made.report), list(made.rows)

    alone = told(1)
    assert [told(size) for size in (2, 3)] == [alone] * 2


def test_ranks_that_nothing_was_held_out_for_end_with_rank_0(folder):
    run = trained(folder, "labels", 1, "all", "data.validation=0")
    with pytest.raises(UsageError, match="nothing was held out"):
        led(2, lambda lead: evaluate.evaluate(evaluate.Request(str(run)), lambda report: None, lead))


@pytest.mark.parametrize("named", ["list.csv", "spoken", "spoken/*.wav"])
def test_sounds_are_sent_with_what_names_them_and_what_they_say(tmp_path, named):
    (tmp_path / "spoken").mkdir()
    rows = ["path,text"]
    for i in range(16):
        low = i % 2
        (tmp_path / "spoken" / f"{i}.wav").write_bytes(sounds.wav(sounds.tone(300 if low else 900, 0.1 + i / 200)))
        (tmp_path / "spoken" / f"{i}.txt").write_text("lo" if low else "hi")
        rows.append(f"spoken/{i}.wav,{'lo' if low else 'hi'}")
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "held.csv").write_text("\n".join(rows[:1] + rows[9:]) + "\n")
    small = {"hidden_size": 4, "num_layers": 1, "dropout": 0.0}
    training = {"epochs": 2, "batch_size": 8, "threads": 1, "shards": 2}
    data = {"path": str(tmp_path / named), "validation": str(tmp_path / "held.csv"), "features": {"bands": 8}}
    config = {"task": "transcribe", "data": data, "model": small, "training": training}
    for size in (1, 2):
        assert train_on(size, Request(config, (), str(tmp_path / f"on-{size}"))) == [0] * (size - 1)
    assert model(tmp_path / "on-1") == model(tmp_path / "on-2")
