"""training.shards by the command: the same bytes on any number of threads, an exact resume, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runs import model_sha256, run
from conftest import write_inputs

from rnncli.nn import model_file

SHARDED = ("--set", "training.shards=4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run whole, of four shards and two epochs."""
    folder = tmp_path_factory.mktemp("shards")
    write_inputs(folder)
    run("train", "char.yaml", *SHARDED, "--set", "training.threads=1", "-q", "-o", "whole", cwd=folder).ok()
    return folder


def test_threads_change_no_byte_and_shards_do(folder: Path) -> None:
    wanted = model_sha256(folder / "whole")
    run("train", "char.yaml", *SHARDED, "--set", "training.threads=3", "-q", "-o", "threads", cwd=folder).ok()
    run("train", "char.yaml", "--set", "training.shards=1", "-q", "-o", "one", cwd=folder).ok()
    run("train", "char.yaml", "-q", "-o", "null", cwd=folder).ok()
    assert model_sha256(folder / "threads") == wanted
    assert model_sha256(folder / "one") == model_sha256(folder / "null") != wanted


def test_the_model_does_not_name_them_and_the_run_does(folder: Path) -> None:
    assert "shards" not in str(model_file.read(folder / "whole/model.safetensors")[1])
    assert "shards: 4\n" in (folder / "whole/config.yaml").read_text()


def test_a_run_of_more_epochs_goes_on_with_its_own_shards(folder: Path) -> None:
    longer = ("--set", "training.epochs=3", "--set", "training.schedule=constant")
    run("train", "char.yaml", *SHARDED, *longer, "-q", "-o", "longer", cwd=folder).ok()
    run("train", "char.yaml", *SHARDED, *longer[2:], "-q", "-o", "resumed", cwd=folder).ok()
    run("train", "-o", "resumed", "--resume", *longer[:2], "-q", cwd=folder).ok()
    assert model_sha256(folder / "resumed") == model_sha256(folder / "longer")


def test_they_cannot_change_when_a_run_is_resumed(folder: Path) -> None:
    again = ("train", "-o", "whole", "--resume", "--set", "training.epochs=3")
    assert run(*again, "--set", "training.shards=2", cwd=folder).refused(2) == (
        "--set training.shards=2: the run began with 4; leave it out, or start a new run with it"
    )


@pytest.mark.parametrize("command", [("train", "-o", "refused"), ("check",)])
def test_data_of_fewer_sequences_than_shards_are_refused_before_anything_is_written(
    command: tuple[str, ...], folder: Path
) -> None:
    (folder / "few.csv").write_text("text,label\n" + "red,x\nblue,y\n" * 6)
    (folder / "few.yaml").write_text("task: classify\ndata: {path: few.csv, validation: 0, residual: none}\n")
    said = run(command[0], "few.yaml", *command[1:], "--set", "training.shards=16", cwd=folder).failed(2)
    assert said == (
        "--set training.shards=16: training.shards is 16, and a batch has only 12 sequences; lower it, or raise "
        "training.batch_size if there are more"
    )
    assert not (folder / "refused").exists()
