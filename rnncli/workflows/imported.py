"""import: a run from the weights of another program, an nn.RNN, GRU or LSTM with an embedding and a linear head."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnncli.config.loading import given_keys
from rnncli.config.token_sections import MOST_TOKENS
from rnncli.data.source import decode, read_source
from rnncli.errors import DataError, UsageError, shown
from rnncli.nn import foreign_file
from rnncli.nn.foreign import recognised
from rnncli.notes import note, noting
from rnncli.tasks.adopting import Given
from rnncli.tasks.registry import TASKS, config_from_mapping, dump_config
from rnncli.training.plan import Plan, Position
from rnncli.workflows.opening import Model, require_understood
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.run_state import Inputs


@dataclass(frozen=True)
class Request:
    """The arguments of `import`. vocabulary, labels: files of tokens and labels in the order of their numbers. names:
    rnncli's names of tensors, by those of the file. out: None picks a free name under runs/.
    """

    path: str
    task: str
    vocabulary: str | None = None
    labels: str | None = None
    names: Sequence[tuple[str, str]] = ()
    out: str | None = None
    overrides: Sequence[str] = ()


def import_run(request: Request) -> Path:
    """Write a run with the network of a file, and return it; all is checked before anything is written."""
    task = TASKS[request.task]
    require_understood("import", task, {})
    path = Path(request.path)
    if not os.path.lexists(path):
        raise UsageError(f"no such file: {path}; name weights that PyTorch saved as safetensors")
    tokens = None if request.vocabulary is None else listed(request.vocabulary, "tokens")
    labels = None if request.labels is None else listed(request.labels, "labels")
    tensors = foreign_file.read(path)
    network = recognised(tensors, dict(request.names), None if tokens is None else len(tokens), str(path))
    keys = given_keys(request.overrides)
    notes: list[str] = []
    with noting(notes.append):
        made = task.adopted(Given(network, tokens, labels, keys, str(path)))
    Model(str(path), path, task, made.header, made.arrays).load()
    config = config_from_mapping(
        {
            "task": task.name,
            "data": made.config.data.model_dump(),
            "model": made.header["model"],
            "training": dict(made.training),
        },
        request.overrides,
    )
    out = Path(request.out) if request.out else _free_name(path)
    with RunDirectory.create(out) as run:
        run.write_config(dump_config(config, str(run.path)))
        run.write_model(made.arrays, made.header)
        run.write_state({}, Position(), Plan(1, 1, 1e-3, "constant", None), Inputs(""))
    for text in notes:
        note(text)
    layers = f"{network.num_layers} × {network.cell} of {network.hidden_size:,}"
    note(f"{path}: {layers}{', in both directions' if network.bidirectional else ''}; saved in {run.path}")
    return out


def _free_name(path: Path) -> Path:
    names = itertools.chain([path.stem], (f"{path.stem}-{k}" for k in itertools.count(2)))
    return next(out for name in names if not os.path.lexists(out := Path("runs") / name))


def listed(path: str, what: str) -> tuple[str, ...]:
    """Return the tokens or the labels in a file, in the order of their numbers: a JSON list, a JSON object of numbers
    by name, or a line for each.

    DataError for any other file, and for one with a name twice or without one.
    """
    source = read_source(path)
    text = decode(source, hint="save it as UTF-8")
    found: Any = text.removesuffix("\n").replace("\r\n", "\n").split("\n")
    if text.lstrip()[:1] in ("[", "{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: is no JSON ({error}); give a list of its {what}, or a line for each") from None
    if isinstance(found, dict):
        if sorted(found.values(), key=str) != sorted(range(len(found)), key=str):
            raise DataError(f"{path}: does not number its {len(found):,} {what} from 0 on; give a list of them")
        found = sorted(found, key=found.__getitem__)
    if not found or not all(isinstance(one, str) and one for one in found):
        raise DataError(f"{path}: not all of its {what} are texts, or some are empty; give each a name")
    if len(found) > MOST_TOKENS:
        raise DataError(f"{path}: has {len(found):,} {what}, and a model {MOST_TOKENS:,} at most")
    if len(set(found)) < len(found):
        twice = next(one for i, one in enumerate(found) if one in found[:i])
        raise DataError(f"{path}: has {shown(twice)} twice; give each a name of its own")
    return tuple(found)
