"""rnncli learns sequences from the command line: text, numbers, labels.

The map. Imports point down only, tasks do not import each other, and contracts enforce both:

    cli                   click: options, one call
    workflows | ui        one plain function per command, blind to tasks | the only importer of rich, fed by reports
    tasks                 one folder each: its config, data, networks, baselines, metrics, answers; all behind a `Task`
    inspection            gradients by lag, Jacobians, gates, checks, advice
    training              truncated BPTT, threads, optimizers, schedules, the loop
    nn | data             parameters, layers, model files | what several tasks read with: sources, tables, text, times
    config                YAML to a checked config, positions of mistakes, the sections that all tasks have
    kernels               numba on arrays
    errors | notes        the exception tree; each class owns its exit code | what a command says in passing

One word finds everything: `generate` is cli/generate.py, workflows/generate.py and tests/cli/test_cli_generate.py;
`model.cell: gru` is kernels/cells/gru.py; a forecast is tasks/forecast/. Start with kernels/cells/lstm.py for the
mathematics, training/loop.py for the method, tasks/task.py for what a task is, workflows/train.py for the path from a
file to a model.

Adding a cell: its file, a line in kernels/cells and its naive twin in tests/naive.py. A task: its folder, a line in
tasks/registry.py and its keys in tests/config/test_config_schema.py. A key: a field of a task's config.py, or of
config/sections.py where all tasks have it. tests/test_adding_things.py does each of these in a page.
"""

__version__ = "0.1.0"
