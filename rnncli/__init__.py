"""rnncli learns sequences from the command line: text, numbers, labels.

The map of its packages. Imports point down only, and tasks do not import each other; contracts enforce both:

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
task, workflows/train.py for the path from a file to a model.

Adding a cell takes its file, a line in kernels/cells and its naive twin in tests/naive.py. Adding a task takes its
folder, a line in tasks/registry.py and its keys in tests/config/test_config_schema.py. Adding a key takes a field of
a task's config.py, or of config/sections.py where all tasks have it. tests/test_adding_things.py does each of these
in a page.
"""

__version__ = "0.1.0"
