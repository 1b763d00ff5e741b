"""rnncli learns sequences from the command line: text, numbers, labels.

The map of its packages. Imports point down only, and tasks do not import each other; contracts enforce both:

    api                   `import rnncli`: train, load, Model and Run, by the same workflows and the options of cli
    cli                   click: options, one call
    workflows | ui        one plain function per command, blind to tasks | the only importer of rich, fed by reports
    tasks                 one folder each: config, data, networks, baselines, metrics, answers; all behind a `Task`
    inspection            gradients by lag, Jacobians, gates, checks, advice
    training              truncated BPTT, threads, optimizers, schedules, the loop
    nn | data             parameters, layers, model files | readers of several tasks: sources, tables, text, times
    config                YAML to a checked config, positions of mistakes, the sections that all tasks have
    kernels               numba on arrays
    safe_files | memory   files written whole or not at all, never through a planted link | what is free for this
                          process, before much of it is taken
    errors | notes | registry | job   the exception tree; each class has its exit code | sentences for the user on
                          stderr | things by name, imported when they are asked for | the other ranks of mpiexec

A name leads to all its files: `generate` is cli/generate.py, workflows/generate.py and
tests/cli/test_cli_generate.py; `model.cell: gru` is kernels/cells/gru.py; a forecast is tasks/forecast/. Start with
kernels/cells/lstm.py for the mathematics, training/loop.py for the method, tasks/task.py for the interface of a
task, workflows/training_run.py for the path from a config to a model.

Adding a cell takes its file, a line in kernels/cells and its naive twin in tests/naive.py. Adding a task takes its
folder, a line in tasks/registry.py and its keys in tests/config/test_config_schema.py. Adding a key takes a field of
a task's config.py, or of config/training_section.py and its neighbours where all tasks have it.
tests/test_adding_things.py does each of these in a page.
"""

from __future__ import annotations

TYPE_CHECKING = False  # but to type checkers, by its name: to import `typing` takes longer than all else here
if TYPE_CHECKING:
    from typing import Any

    from rnncli.api.model import Model, load
    from rnncli.api.training import Run, train
    from rnncli.errors import (
        CheckFailedError,
        ConfigError,
        DataError,
        DivergedError,
        MachineError,
        ModelFileError,
        RunInUseError,
        StoppedError,
        UsageError,
    )
    from rnncli.errors import RnncliError as Error

__version__ = "0.1.0"
__all__ = [
    "CheckFailedError",
    "ConfigError",
    "DataError",
    "DivergedError",
    "Error",
    "MachineError",
    "Model",
    "ModelFileError",
    "Run",
    "RunInUseError",
    "StoppedError",
    "UsageError",
    "load",
    "train",
]
_MODULES = {"Model": "api.model", "load": "api.model", "Run": "api.training", "train": "api.training"}


def __getattr__(name: str) -> Any:
    """Import what a program uses when it uses it: `import rnncli` alone loads no other module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = import_module(f"{__name__}.{_MODULES.get(name, 'errors')}")
    return getattr(found, "RnncliError" if name == "Error" else name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
