"""The reference pages that are made from the source: `python tests/reference_pages.py` writes them anew.

commands.md comes from click, config.md from the configs of the tasks. tests/test_docs.py fails when they are stale.
"""

import json
from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click

from rnncli.cli import COMMANDS
from rnncli.config.loading import is_path
from rnncli.config.section import Section, keys_of
from rnncli.config.sections import SECTIONS
from rnncli.kernels.cells import CELLS
from rnncli.tasks.forecast.config import SCALINGS
from rnncli.tasks.forecast.loss_registry import FORECAST_LOSSES
from rnncli.tasks.registry import TASKS

DOCS = Path(__file__).parents[1] / "rnncli/docs"
CHOICES = {"model.cell": CELLS, "training.loss": FORECAST_LOSSES, "data.scaling of forecast": SCALINGS}

COMMANDS_HEAD = """# Commands and their options

Results go to standard output, everything else to standard error. RUN is a run
directory or a model file, CONFIG a YAML file, DATA a data file, and `-`
standard input. `rnncli --debug COMMAND` adds the traceback of an error. The
examples, one after another, work in a folder with rnncli's `sample_data` and
`sample_configs`.
"""
CONFIG_HEAD = """# Config keys and their defaults

A config is a YAML file of `task` and three sections, each of which may be left
out; a fourth, `tune`, is for `rnncli tune` alone. `--set section.key=value`
overrides a key on the command line. Every mistake in a config is listed at once,
each with its line and column. A key that is null is filled in from the data; the
run's `config.yaml` says with what.

```yaml
task: language-model
data:
  path: notes.txt
  tokens: char
  validation: 0.1
model:
  cell: gru
  hidden_size: 256
  num_layers: 2
  dropout: 0.3
training:
  epochs: 10
  max_time: 10m
  bptt: 64
  bptt_stride: 32
```
"""
EXAMPLES = {
    "data.path": "notes.txt",
    "data.format": "csv",
    "data.encoding": "latin-1",
    "data.validation": 0.2,
    "data.test": 0.1,
    "data.min_count": 2,
    "data.vocabulary_size": 20_000,
    "data.vectors": "vectors.txt",
    "data.freeze_vectors": "true --set data.vectors=vectors.txt",
    "data.delimiter": "';'",
    "data.decimal": ",",
    "data.skip_rows": 2,
    "data.header": "false",
    "data.skip_footer": 1,
    "data.id": "shop",
    "data.hierarchy": "'[region, shop]'",
    "data.time": "month",
    "data.time_format": "%d.%m.%Y",
    "data.timezone": "Europe/Berlin",
    "data.target": "sales",
    "data.past_covariates": "visitors",
    "data.known_covariates": "'[price, promotion]'",
    "data.future": "planned.csv",
    "data.static": "region",
    "data.calendar": "true",
    "data.holidays": "'[2026-12-25, 2026-12-26]'",
    "data.horizon": 12,
    "data.context": 36,
    "data.freq": "1h",
    "data.season": 12,
    "data.na_values": "'[-999]'",
    "data.resample": "1d",
    "data.max_length": 200,
    "data.folds": 5,
    "data.group": "patient",
    "data.text": "review",
    "data.transcripts": "texts.csv",
    "data.inputs": "'[x, y]'",
    "data.label": "kind",
    "data.label_separator": "'|'",
    "data.source": "lemma",
    "model.hidden_size": 64,
    "model.num_layers": 2,
    "model.dropout": 0.3,
    "model.skip_connections": "true",
    "model.input_dropout": 0.2,
    "model.output_dropout": 0.2,
    "model.embedding_dropout": 0.1,
    "model.variational_dropout": "true",
    "model.chrono_init": 64,
    "model.recurrent_scale": 0.9,
    "model.weight_drop": 0.3,
    "model.state_dropout": 0.2,
    "model.cap_input_gate": "true --set model.cell=lstm",
    "model.embedding_size": 64,
    "model.activation": "relu --set model.cell=rnn",
    "model.segment": 24,
    "model.character_size": 32,
    "model.word_dropout": 0.3,
    "model.affix_size": 32,
    "training.epochs": 5,
    "training.updates": 2000,
    "training.max_time": "10m",
    "training.batch_size": 64,
    "training.learning_rate": "1e-3",
    "training.beta1": 0,
    "training.beta2": 0.99,
    "training.weight_decay": 0.1,
    "training.warmup": 100,
    "training.weight_averaging": 0.999,
    "training.clip_norm": 1.0,
    "training.patience": 5,
    "training.seed": 2,
    "training.shards": 8,
    "training.threads": 4,
    "training.bptt": 64,
    "training.bptt_stride": "16 --set training.bptt=64",
    "training.unknown_words": 0.2,
    "training.seeds": 4,
    "training.updates_per_epoch": 500,
    "training.jitter": 0.1,
    "training.magnitude": 0.2,
    "training.teacher_forcing": 0.5,
    "data.features.bands": 26,
    "data.features.window": "20ms",
    "data.features.hop": "5ms",
    "data.features.rate": 16_000,
    "data.features.stack": 3,
    "training.speed": 0.1,
    "training.mask_steps": 0.1,
    "training.mask_features": 0.2,
}
"""A value for each config key whose values are no list of names: for those it is the first that is not the default."""
NUMBERS = {"integer": "whole number", "number": "number"}


def commands_page() -> str:
    """commands.md."""
    return "\n".join([COMMANDS_HEAD, *(section for name in COMMANDS for section in _command(name))])


def _command(name: str) -> Iterator[str]:
    command = import_module(f"rnncli.cli.{name.replace('-', '_')}").command
    # As under the group, whichever command ran in this process before.
    context = click.Context(command, info_name=f"rnncli {name}", terminal_width=200, help_option_names=["-h", "--help"])
    yield f"## {name}\n\n`{command.get_usage(context).removeprefix('Usage: ')}`\n"
    for paragraph in cleandoc(command.help).split("\n\n"):
        kept = paragraph.startswith("\b\n")
        yield f"```text\n{paragraph[2:]}\n```\n" if kept else f"{paragraph}\n"
    yield "| option | value | default | meaning |\n|---|---|---|---|"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            names = ", ".join(f"`{name}`" for name in parameter.opts)
            yield _row(names, _option_value(parameter), _option_default(parameter), parameter.help or "")
    yield "\n".join(["", "```sh", *examples_of(command), "```", ""])


def examples_of(command: click.Command) -> list[str]:
    """Return the commands of the example in a command's help."""
    return [line.strip() for line in (command.epilog or "").splitlines() if line.startswith("  ")]


def _option_value(option: click.Option) -> str:
    kind = option.type
    if option.is_flag:
        return ""
    if isinstance(kind, click.Choice):
        return _choices(kind.choices)
    if isinstance(kind, (click.IntRange, click.FloatRange)):
        what = "whole number" if isinstance(kind, click.IntRange) else "number"
        return " ".join([what, *_ends(kind.min, kind.max, kind.min_open, kind.max_open)])
    return option.metavar or {"integer": "whole number", "float": "number"}.get(kind.name, "text")


def _option_default(option: click.Option) -> str:
    default = option.default
    return str(default) if isinstance(default, (str, int, float)) and not option.is_flag else ""


def config_page() -> str:
    """config.md: each key with the tasks that have it, and what it may be in each."""
    own = {
        name: [path for section in SECTIONS for path in paths_of(task.config, section)] for name, task in TASKS.items()
    }
    common = [path for path in own["language-model"] if all(path in keys for keys in own.values())]
    lines = [CONFIG_HEAD, "## Keys by task\n", f"All tasks: {_listed(common)}\n"]
    for name, keys in own.items():
        lines.append(f"{name}: {_listed(path for path in keys if path not in common)}\n")
    lines.append("## task\n\nWhat to learn: " + ", ".join(TASKS) + ".\n")
    for section in SECTIONS:
        lines.append(f"## {section}\n")
        for path in dict.fromkeys(path for keys in own.values() for path in keys if path.startswith(f"{section}.")):
            lines.append(f"### {path}\n\n| task | value | default | meaning |\n|---|---|---|---|")
            kinds: dict[tuple[str, ...], list[str]] = {}
            for name in (name for name, keys in own.items() if path in keys):
                kinds.setdefault(_config_key(name, path), []).append(name)
            for cells, names in kinds.items():
                lines.append(_row("all" if len(names) == len(TASKS) else ", ".join(names), *cells))
            lines.append(f"\nExample:\n\n```text\n{example_of(path, next(iter(kinds)))}\n```\n")
    lines.append("## tune\n\nWhat `rnncli tune` searches; see `rnncli help tuning`.\n")
    lines.append("| key | value | default | meaning |\n|---|---|---|---|")
    task = next(iter(TASKS))
    rows = [_row(f"tune.{key}", *_config_key(task, f"tune.{key}")) for key in keys_of(TASKS[task].config, "tune")]
    return "\n".join([*lines, *rows, ""])


def paths_of(config: type[Section], section: str) -> Iterator[str]:
    """Yield the paths of all keys of a section, those of sections within it in place of these."""
    for key, field in keys_of(config, section).items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from (f"{section}.{key}.{name}" for name in keys_of(kind))
        else:
            yield f"{section}.{key}"


def example_of(path: str, cells: tuple[str, ...]) -> str:
    """Return a command that sets a key, given the cells of its row in the table."""
    value, default, _ = cells
    others = (name for name in value.replace("`", "").split(", ") if name != default)
    named = EXAMPLES[path] if path in EXAMPLES else next(others)
    return f"rnncli train CONFIG --set {path}={named}"


def _listed(paths: Iterable[str]) -> str:
    return ", ".join(f"`{path}`" for path in paths) or "no others"


def _config_key(task: str, path: str) -> tuple[str, str, str]:
    """Value, default and meaning of a key in one task."""
    *sections, key = path.split(".")
    config: Any = TASKS[task].config
    within = config
    for name in sections:
        within = within.model_fields[name].annotation
    schema = config.model_json_schema()["$defs"][within.__name__]["properties"][key]
    default = schema["default"]
    kinds = [_kind(kind) for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    choices = CHOICES.get(path) or CHOICES.get(f"{path} of {task}")
    if choices:
        value = _choices(choices) + (", or a list of them" if "list" in kinds else "")
    elif is_path(within.model_fields[key]):
        value = " or ".join([*(kind for kind in kinds if kind != "text"), "path"])
    elif {"whole number from 1", "text"} <= set(kinds):
        value = "column name or number" + (", or a list of them" if "list" in kinds else "")
    else:
        value = " or ".join("a list of them" if kind == "list" else kind for kind in kinds)
    return value, json.dumps(default) if not isinstance(default, str) else default, schema["description"]


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema or "const" in schema:
        return _choices(schema.get("enum", [schema.get("const")]))
    kind = schema["type"]
    if kind in NUMBERS:
        low, high = (schema.get(f"{end}imum", schema.get(f"exclusive{end.title()}imum")) for end in ("min", "max"))
        return " ".join([NUMBERS[kind], *_ends(low, high, "exclusiveMinimum" in schema, "exclusiveMaximum" in schema)])
    return {"boolean": "true, false", "array": "list", "string": "text", "object": "section"}[kind]


def _choices(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _ends(low: float | None, high: float | None, low_open: bool, high_open: bool) -> Iterator[str]:
    if low is not None:
        yield f"above {low:,}" if low_open else f"from {low:,}"
    if high is not None and high < 2**53:
        yield f"below {high:,}" if high_open else f"to {high:,}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


PAGES = {"commands.md": commands_page, "config.md": config_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
