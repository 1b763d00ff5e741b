"""Configs are written as they are read, and their data paths keep naming the same files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnncli.tasks.registry import config_from_mapping, dump_config, load_config

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
TRICKY = st.sampled_from(
    [
        "no",
        "null",
        "~",
        "1e-3",
        "0100",
        "1:30",
        "3",
        ".5",
        ".nan",
        "true",
        "=",
        "<<",
        " a ",
        "a: b",
        "#",
        "-",
        "\x85",
    ]
)


def test_every_key_is_written_in_the_order_of_the_schema() -> None:
    lines = dump_config(config_from_mapping({"task": "forecast"})).splitlines()
    assert lines[:3] == ["task: forecast", "data:", "  path: null"]
    assert lines[-1] == "  updates_per_epoch: null"


@given(
    time=TEXT | TRICKY,
    target=st.none() | TEXT | st.integers(1, 9) | st.lists(TEXT | TRICKY, min_size=1, unique=True),
    delimiter=st.sampled_from([None, "\t", ";", " ", ":", "#", "'", "\x85", "0"]),
    learning_rate=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    seed=st.integers(0, 2**63 - 1),
    validation=st.floats(0, 0.9) | st.just("-"),
)
@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_reads_back_equal(
    tmp_path: Path,
    time: str,
    target: object,
    delimiter: str | None,
    learning_rate: float,
    seed: int,
    validation: object,
) -> None:
    data = {"time": time, "target": target, "delimiter": delimiter, "validation": validation, "path": "-"}
    training = {"learning_rate": learning_rate, "seed": seed, "max_time": "1h30m"}
    config = config_from_mapping({"task": "forecast", "data": data, "training": training})
    file = tmp_path / "c.yaml"
    file.write_text(dump_config(config), encoding="utf-8", newline="")
    assert load_config(file) == config


def test_data_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "c.yaml").write_text("task: forecast\ndata: {path: ../x.csv, validation: v.csv, test: /data/t.csv}\n")
    data = load_config("configs/c.yaml").data
    assert (data.path, data.validation, data.test) == ("x.csv", "configs/v.csv", "/data/t.csv")
    assert load_config(folder / "c.yaml", ["data.path=y.csv"]).data.path == str(folder / "y.csv")


def test_standard_input_and_fractions_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("task: forecast\ndata: {path: '-', validation: 0.2}\n")
    data = load_config(tmp_path / "c.yaml").data
    assert (data.path, data.validation) == ("-", 0.2)


def test_a_dump_for_another_folder_names_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "a").mkdir(parents=True)
    config = config_from_mapping({"task": "forecast", "data": {"path": "x.csv", "test": "/data/t.csv"}})
    text = dump_config(config, "runs/a")
    assert "  path: ../../x.csv\n" in text
    (tmp_path / "runs" / "a" / "config.yaml").write_text(text)
    assert load_config("runs/a/config.yaml") == config


def test_a_path_behind_a_symbolic_link_is_not_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "latest").symlink_to(tmp_path / "runs" / "a")
    (tmp_path / "x.csv").write_text("here")
    (tmp_path / "runs" / "a" / "config.yaml").write_text("task: forecast\ndata: {path: ../../x.csv}\n")
    path = load_config("latest/config.yaml").data.path
    assert path is not None
    assert Path(path).read_text() == "here"


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbftask: forecast\r\nmodel:\r\n  cell: gru\r\n")
    assert load_config(tmp_path / "c.yaml").model.cell == "gru"
