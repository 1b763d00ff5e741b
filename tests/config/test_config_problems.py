"""Mistakes in a config are listed all at once, each with its place, what is wrong, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnncli.config.section import keys_of
from rnncli.errors import ConfigError
from rnncli.kernels.cells import CELLS
from rnncli.tasks.registry import TASKS, config_from_mapping, load_config

CELL_NAMES = ", ".join(CELLS)


def problems_in(folder: Path, text: str | bytes, overrides: tuple[str, ...] = ()) -> list[str]:
    """The problems of a config file that holds `text`, without the folder before its name."""
    file = folder / "c.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load_config(file, overrides)
    assert caught.value.exit_code == 2
    return [problem.replace(str(file), "c.yaml") for problem in caught.value.problems]


def test_several_mistakes_at_once_in_reading_order(tmp_path: Path) -> None:
    text = """\
task: forecast
training:
  lerning_rate: 1e-3
  bptt: "3"
model:
  cell: lstn
  hidden_size: abc
  num_layers: 2
  num_layers: 3
"""
    assert problems_in(tmp_path, text) == [
        'c.yaml:3:3: unknown key "lerning_rate"; did you mean "learning_rate"?',
        'c.yaml:4:9: training.bptt is "3"; must be a whole number',
        f'c.yaml:6:9: model.cell is "lstn"; expected one of {CELL_NAMES}; did you mean "lstm"?',
        'c.yaml:7:16: model.hidden_size is "abc"; must be a whole number',
        'c.yaml:9:3: key "num_layers" is already set on line 8; delete one of them',
    ]


REFUSED_VALUES = {
    # what YAML 1.1 would make False, 90, or take for text
    "model.cell: no": f'is "no"; expected one of {CELL_NAMES}',
    "model.hidden_size: 1:30": 'is "1:30"; must be a whole number',
    # types
    "model.hidden_size: true": "is true; must be a whole number",
    "model.hidden_size: 3.0": "is 3.0; must be a whole number",
    "model.hidden_size: '3'": 'is "3"; must be a whole number',
    "model.hidden_size: [3]": "is a list; must be a whole number",
    "model.hidden_size: {a: 3}": "is a section; must be a whole number",
    "model.dropout: no": 'is "no"; must be a number',
    "model.dropout: false": "is false; must be a number",
    "model.cell: 3": "is 3; expected one of rnn, gru, lstm, peephole, slstm, rmslstm",
    # ranges
    "training.learning_rate: .nan": "is .nan; must be a finite number",
    "training.learning_rate: .inf": "is .inf; must be a finite number",
    "training.learning_rate: 1e999": "is .inf; must be a finite number",
    "training.learning_rate: -1": "is -1; must be greater than 0",
    "training.learning_rate: 0": "is 0; must be greater than 0",
    "training.clip_norm: 0.0": "is 0.0; must be greater than 0",
    "training.beta1: 1": "is 1; must be less than 1",
    "training.weight_decay: -0.1": "is -0.1; must be at least 0",
    "training.warmup: -1": "is -1; must be at least 0",
    "training.seed: 9223372036854775808": "is 9223372036854775808; must be at most 9223372036854775807",
    "training.threads: 1025": "is 1025; must be at most 1024",
    "training.shards: 128": "is 128; must be at most 64",
    "training.shards: 6": "is 6; must be a power of two, such as 4",
    "model.hidden_size: 1000000000": "is 1000000000; must be at most 65536",
    f"model.hidden_size: {'9' * 100}": f"is {'9' * 30}...; must be at most 65536",
    "model.num_layers: 0": "is 0; must be at least 1",
    "model.dropout: 1": "is 1; must be less than 1",
    "model.recurrent_scale: 0": "is 0; must be greater than 0",
    "model.recurrent_scale: 1e39": "is 1e+39; must be at most 1e+30",
    "data.context: 1": "is 1; must be a whole number, at least 2, or a list of them",
    "data.context: [24, 1.5]": "is a list; must be a whole number, at least 2, or a list of them",
    "data.context: []": "is a list; must not be an empty list; name one value or more",
    "data.scaling: mena": (
        'is "mena"; expected one of seasonal-error, mean, standard, robust, last-value, none, or a list of them; '
        'did you mean "mean"?'
    ),
    "data.skip_rows: -1": "is -1; must be at least 0",
    # values with rules of their own
    "data.path: ''": 'is ""; must be the path of a file',
    "data.path: 5": "is 5; must be the path of a file, or a list of them",
    "data.path: []": "is a list; must be the path of a file, or a list of them",
    "data.validation: 0.95": "is 0.95; must be a fraction from 0 to 0.9, a number of rows, or the path of a file",
    "data.validation: .nan": "is .nan; must be a fraction from 0 to 0.9, a number of rows, or the path of a file",
    "data.test: true": "is true; must be a fraction from 0 to 0.9, a number of rows, or the path of a file",
    "data.delimiter: ab": r'is "ab"; must be one character; a tab is written "\t", with the quotes',
    "data.decimal: ;": 'is ";"; expected one of ".", ","',
    "data.encoding: utf9": 'is "utf9"; must be an encoding Python knows; did you mean "utf-8"?',
    "data.encoding: base64": 'is "base64"; must be an encoding Python knows; try utf-8, utf-16 or latin-1',
    "data.target: []": "is a list; must be a column name, a column number from 1, or a list of them",
    "data.target: 0": "is 0; must be a column name, a column number from 1, or a list of them",
    "data.target: [a, true]": "is a list; must be a column name, a column number from 1, or a list of them",
    "data.target: [a, a]": 'is a list; must name each column once, and has "a" twice',
    "data.label: 0": "is 0; must be a column name or a column number from 1",
    "data.time_format: YYYY-MM-DD": 'is "YYYY-MM-DD"; must be a format of strptime that tells a year, '
    "such as %d.%m.%Y %H:%M or %B %Y",
    'data.time_format: "%H:%M"': 'is "%H:%M"; must be a format of strptime that tells a year, such as %d.%m.%Y '
    "%H:%M or %B %Y",
    "data.timezone: Europe/Berlim": 'is "Europe/Berlim"; must be a time zone that this system knows; did you '
    'mean "Europe/Berlin"?',
    "data.timezone: ../etc": 'is "../etc"; must be a time zone that this system knows; such as Europe/Berlin',
    "data.resample: hourly": 'is "hourly"; must be an interval such as 15min, 1h, 1d, 1w or 1month (units: s, min, h, '
    "d, w, month, quarter, year)",
    "data.time: {a: 1}": "is a section; must be a column name, a column number from 1, or a list of them",
    "data.id: []": "is a list; must be a column name, a column number from 1, or a list of them",
    "model.bidirectional: 1": "is 1; must be true or false",
    "training.max_time: 600": "is 600; must be a duration such as 8s, 10m or 1h30m",
    "training.max_time: 0m": 'is "0m"; must be longer than 0 seconds',
    "training.optimizer: adm": ('is "adm"; expected one of sgd, momentum, rmsprop, adam, adamw; did you mean "adam"?'),
}


@pytest.mark.parametrize(("line", "message"), REFUSED_VALUES.items())
def test_a_refused_value(tmp_path: Path, line: str, message: str) -> None:
    name, value = line.split(": ", 1)
    section, key = name.split(".")
    task = next(task for task in ("forecast", "classify") if key in keys_of(TASKS[task].config, section))
    (problem,) = problems_in(tmp_path, f"task: {task}\n{section}:\n  {key}: {value}\n")
    assert problem == f"c.yaml:3:{len(key) + 5}: {name} {message}"


def test_a_key_without_a_value_is_reported_at_the_key(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, "task: forecast\nmodel:\n  recurrent_scale:\n")
    assert problem == "c.yaml:3:3: model.recurrent_scale is null; must be a number"


MISPLACED_KEYS = {
    "  lerning_rate: 3": ':3:3: unknown key "lerning_rate"; did you mean "learning_rate" under training:?',
    "  learning_rate: 3": ':3:3: unknown key "learning_rate"; learning_rate belongs under training:',
    "  task: forecast": ':3:3: unknown key "task"; task belongs at the top level',
    "hidden_size: 3": ':3:1: unknown key "hidden_size"; hidden_size belongs under model:',
    "modle: 3": ':3:1: unknown key "modle"; did you mean "model"?',
    "zzz: 3": ':3:1: unknown key "zzz"; the keys at the top level are task, data, model, training, tune; see rnncli '
    "help config",
    "  zzz: 3": (
        ':3:3: unknown key "zzz"; the keys under model: are cell, activation, hidden_size, num_layers, '
        "dropout, recurrent_init, chrono_init, recurrent_scale, cap_input_gate, weight_drop, "
        "state_dropout, skip_connections, input_dropout, output_dropout, variational_dropout, decoder, segment; "
        "see rnncli help config"
    ),
}


@pytest.mark.parametrize(("line", "message"), MISPLACED_KEYS.items())
def test_an_unknown_key_is_pointed_to_the_right_one(tmp_path: Path, line: str, message: str) -> None:
    (problem,) = problems_in(tmp_path, f"task: forecast\nmodel:\n{line}\n")
    assert problem == "c.yaml" + message


@pytest.mark.parametrize("cell", [None, *(name for name, cell in CELLS.items() if not cell.caps)])
def test_a_cell_without_gates_to_cap_is_refused(tmp_path: Path, cell: str | None) -> None:
    named = f"  cell: {cell}\n" if cell else ""
    (problem,) = problems_in(tmp_path, f"task: forecast\nmodel:\n{named}  cap_input_gate: true\n")
    assert problem.endswith(
        "model.cap_input_gate is true; must be false unless model.cell is lstm or peephole or rmslstm, whose input "
        "gate has a forget gate beside it"
    )


def test_a_missing_task_names_the_tasks(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, "# mine\nmodel:\n  cell: gru\n")
    assert (
        problem
        == "c.yaml:2:1: task is missing; add task: language-model or task: forecast or task: classify or task: regress "
        "or task: tag or task: seq2seq or task: caption or task: transcribe"
    )


def test_a_section_that_is_not_one(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, "task: forecast\nmodel: lstm\n", ("model.hidden_size=3",))
    assert problem == 'c.yaml:2:8: model is "lstm"; must be a section, with its keys indented below it'


def test_only_the_plain_cell_takes_another_activation(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, "task: forecast\nmodel:\n  activation: relu\n  cell: gru\n")
    assert problem == (
        'c.yaml:3:15: model.activation is "relu"; must be tanh when model.cell is gru; only rnn takes another'
    )
    plain = config_from_mapping({"task": "forecast", "model": {"activation": "relu", "cell": "rnn"}})
    assert plain.model.activation == "relu"


def test_byte_pairs_need_room_for_all_bytes(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, "task: language-model\ndata: {tokens: bpe, vocabulary_size: 255}\n")
    assert problem == (
        'c.yaml:2:16: data.tokens is "bpe"; needs a data.vocabulary_size of 256 or more, one for each byte; raise it, '
        "or remove it"
    )
    enough = {"tokens": "bpe", "vocabulary_size": 256}
    assert config_from_mapping({"task": "language-model", "data": enough}).data.vocabulary_size == 256


def test_a_stride_within_the_window(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, "task: language-model\ntraining: {bptt_stride: 65, bptt: 64}\n")
    assert problem == ("c.yaml:2:25: training.bptt_stride is 65; must not be greater than training.bptt, which is 64")
    equal = config_from_mapping({"task": "language-model", "training": {"bptt": 64, "bptt_stride": 64}})
    assert equal.training.bptt_stride == 64


def test_one_mark_cannot_be_both_delimiter_and_decimal(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, "task: forecast\ndata: {decimal: ',', delimiter: ','}\n")
    assert problem == (
        'c.yaml:2:17: data.decimal is ","; must differ from data.delimiter; set another delimiter, such as ;'
    )


def test_offending_text_is_escaped_and_cut() -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_mapping({"task": "\x1b[2J" + "x" * 500}, where="model.safetensors")
    assert r"\x1b[2Jxxx" in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, b"task: forecast\n# caf\xe9\n")
    assert problem == "c.yaml:2:6: byte 0xe9 is not UTF-8; save the file as UTF-8"


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    missing = tmp_path / "c.yaml"
    with pytest.raises(ConfigError) as caught:
        load_config(missing)
    assert str(caught.value) == f"{missing}: no such file; check the path of the config"
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert str(caught.value) == f"{tmp_path}: is a folder; name a YAML file in it"


def test_a_file_that_is_too_large_or_cannot_be_read(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, b"#" * 1_000_001)
    assert problem == "c.yaml: larger than 1,000,000 bytes; is this a config file?"
    below_a_file = tmp_path / "c.yaml" / "d.yaml"
    with pytest.raises(ConfigError) as caught:
        load_config(below_a_file)
    assert str(caught.value) == (f"{below_a_file}: cannot be read: Not a directory; check the path and its permissions")


def test_a_mapping_is_reported_by_its_origin() -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_mapping({"task": "forecast", "model": {"cel": 1}}, where="model.safetensors")
    assert str(caught.value) == 'model.safetensors: unknown key "cel"; did you mean "cell"?'
    with pytest.raises(ConfigError, match="a list is not a config"):
        config_from_mapping([])  # type: ignore[arg-type]


def test_a_batch_has_a_sequence_for_each_shard(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, "task: classify\ntraining:\n  shards: 8\n  batch_size: 4\n")
    assert problem == "c.yaml:3:11: training.shards is 8; must be at most training.batch_size, which is 4"


@pytest.mark.parametrize(
    ("optimizer", "key", "keepers"),
    [
        ("sgd", "beta1", "momentum, adam, adamw"),
        ("momentum", "beta2", "rmsprop, adam, adamw"),
    ],
)
def test_a_mean_that_the_optimizer_does_not_keep(tmp_path: Path, optimizer: str, key: str, keepers: str) -> None:
    (problem,) = problems_in(tmp_path, f"task: classify\ntraining:\n  {key}: 0.5\n  optimizer: {optimizer}\n")
    assert problem == (
        f"c.yaml:3:10: training.{key} is 0.5; must be null when training.optimizer is {optimizer}; only {keepers} keep "
        "that mean"
    )
