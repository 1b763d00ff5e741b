"""rnncli learns sequences from the command line: text, numbers, labels.

The map. Imports point down only, and a contract enforces it:

    cli                   click: options, one call
    workflows | ui        one plain function per command | the only importer of rich, fed by reports
    tasks                 one folder each: how its data becomes batches, what it builds, how its answers are written
    inspection            gradients by lag, Jacobians, gates, checks, advice
    training              truncated BPTT, threads, optimizers, schedules, the loop
    nn | data             parameters, layers, model files | what several tasks read with: sources, tables, text, times
    kernels | config      numba on arrays | YAML, schema, inference
    errors                the exception tree; each class owns its exit code

One word finds everything: `generate` is cli/generate.py, workflows/generate.py and tests/cli/test_cli_generate.py;
`model.cell: gru` is kernels/cells/gru.py; a forecast is tasks/forecast/. Start with kernels/cells/lstm.py for the
mathematics, training/loop.py for the method, workflows/train.py for the path from a file to a model.
"""

__version__ = "0.1.0"
