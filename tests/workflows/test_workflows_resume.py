"""A resumed run knows its config: no key of any task can change unseen, those that newer versions add among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS, Config
from rnncli.errors import ConfigError
from rnncli.tasks.registry import SCHEMAS, config_from_mapping
from rnncli.workflows.resume import FREE, fingerprint, free_changes, require_unchanged
from rnncli.workflows.run_directory import RunDirectory

INDIFFERENT = {"data.path", "training.threads"}  # the data have their hash, threads do not decide the result


def keys(task: str) -> set[str]:
    return {f"{section}.{name}" for section in SECTIONS for name in keys_of(SCHEMAS[task], section)}


def config_of(task: str) -> Config:
    needed: dict[str, Mapping[str, Any]] = {"forecast": {"horizon": 3}}
    return config_from_mapping({"task": task, "data": {"path": "data.csv", **needed.get(task, {})}})


@pytest.mark.parametrize("task", SCHEMAS)
def test_every_key_of_a_task_is_in_its_fingerprint(task: str) -> None:
    assert set(fingerprint(config_of(task))) == {"task"} | keys(task) - INDIFFERENT


@pytest.mark.parametrize("task", SCHEMAS)
def test_each_of_them_is_refused_by_name_or_is_a_change_that_is_told(task: str, tmp_path: Path) -> None:
    config, run = config_of(task), RunDirectory(tmp_path / "run")
    now = fingerprint(config)
    free = {f"training.{name}" for name in FREE}
    assert free < set(now)
    for key in now:
        before = {**now, key: "something else"}
        if key in free:
            require_unchanged(run, before, config, ())
            assert [change.key for change in free_changes(before, config)] == [key]
        else:
            with pytest.raises(ConfigError, match=f"config.yaml: {key} is .* and the run began with something else"):
                require_unchanged(run, before, config, ())
            assert free_changes(before, config) == []
