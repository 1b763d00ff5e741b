"""data.features, a section within a section: its defaults, its mistakes with their places, overrides."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnncli.config.loading import dump_config
from rnncli.config.recordings import FeatureConfig
from rnncli.config.values import parse_milliseconds
from rnncli.errors import ConfigError
from rnncli.tasks.registry import config_from_mapping, load_config


def features(path: Path, text: str = "", *overrides: str) -> FeatureConfig:
    path.write_text(f"task: transcribe\n{text}")
    return load_config(path, list(overrides)).data.features


def problems(path: Path, text: str, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        features(path, text, *overrides)
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


@pytest.mark.parametrize("text", ["", "data:\n", "data:\n  features:\n", "data: {features: {}}\n"])
def test_an_empty_section_has_its_defaults(tmp_path: Path, text: str) -> None:
    assert features(tmp_path / "c.yaml", text) == FeatureConfig()
    assert FeatureConfig().seconds == (0.025, 0.01)


def test_keys_are_read_and_written_again(tmp_path: Path) -> None:
    keys = "data: {features: {kind: log-mel, bands: 26, window: 32ms, hop: 12.5ms, stack: 3, deltas: true}}\n"
    found = features(tmp_path / "c.yaml", keys)
    assert (found.bands, found.seconds, found.stack, found.deltas) == (26, (0.032, 0.0125), 3, True)
    config = config_from_mapping({"task": "transcribe", "data": {"features": {"bands": 26}}})
    (tmp_path / "d.yaml").write_text(dump_config(config))
    assert load_config(tmp_path / "d.yaml") == config


@pytest.mark.parametrize(
    "override", ["data.features.bands=26", "data.features={bands: 26}", "data={features: {bands: 26}}"]
)
def test_overrides(tmp_path: Path, override: str) -> None:
    assert features(tmp_path / "c.yaml", "", override).bands == 26
    mapping = {"task": "transcribe", "data": {"features": {"bands": 12}}}
    assert config_from_mapping(mapping, [override]).data.features.bands == 26
    if not override.startswith("data={"):
        assert features(tmp_path / "c.yaml", "data: {features: {stack: 2}}", "data.features.bands=26").stack == 2


MISTAKES = {
    "bandz: 3": '3:14: unknown key "bandz"; did you mean "bands"?',
    "hidden_size: 3": '3:14: unknown key "hidden_size"; hidden_size belongs under model:',
    "zzz: 3": '3:14: unknown key "zzz"; the keys under data.features: are kind, bands, window, hop, rate, stack, '
    "deltas, normalise; see rnncli help config",
    "bands: 0": "3:21: data.features.bands is 0; must be at least 1",
    "bands: 257": "3:21: data.features.bands is 257; must be at most 256",
    "kind: mfcc": '3:20: data.features.kind is "mfcc"; expected one of log-mel, numbers, columns',
    "window: 25": "3:22: data.features.window is 25; must be a duration such as 25ms or 12.5ms",
    "window: 0.5ms": '3:22: data.features.window is "0.5ms"; must be from 1ms to 1000ms',
    "hop: 30ms": '3:19: data.features.hop is "30ms"; must be at most data.features.window, or some of the sound is in '
    "no window",
    "stack: 2.5": "3:21: data.features.stack is 2.5; must be a whole number",
    "rate: 10": "3:20: data.features.rate is 10; must be at least 1000",
    "normalise: all": '3:25: data.features.normalise is "all"; expected one of recording, training, none',
}


@pytest.mark.parametrize(("key", "problem"), MISTAKES.items())
def test_mistakes_have_their_place(tmp_path: Path, key: str, problem: str) -> None:
    assert problems(tmp_path / "c.yaml", f"data:\n  features: {{{key}}}\n") == [problem]


def test_mistakes_beside_the_section(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    assert problems(path, "data: {bands: 3}\n") == ['2:8: unknown key "bands"; bands belongs under data.features:']
    assert problems(path, "data: {features: [1]}\n") == [
        "2:18: data.features is a list; must be a section, with its keys indented below it"
    ]
    bad = '--set data.features.bands=x: data.features.bands is "x"; must be a whole number'
    assert problems(path, "data: {features: {bands: 3}}\n", "data.features.bands=x") == [bad]
    bad = "--set data.features={hop: 3}: data.features.hop is 3; must be a duration such as 25ms or 12.5ms"
    assert problems(path, "data: {features: {hop: 5ms}}\n", "data.features={hop: 3}") == [bad]
    found = problems(path, "data: {features: {hop: 5ms}}\n", "data.features.hop.x=3")
    assert [one[:62] for one in found] == ["--set data.features.hop.x=3: not of the form section.key=value"]


@pytest.mark.parametrize(("text", "seconds"), [("25ms", 0.025), ("12.5ms", 0.0125), ("1ms", 0.001), ("1000ms", 1)])
def test_milliseconds(text: str, seconds: float) -> None:
    assert parse_milliseconds(text) == seconds


@pytest.mark.parametrize("text", ["", "25", "ms", "25 ms", "-5ms", "1e1ms", "0.9ms", "1001ms", "٣ms", "25ms\n", ".5ms"])
def test_not_milliseconds(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_milliseconds(text)
