"""Tasks: how each one's data becomes batches, what it builds, its losses and baselines, how its answers are written.

    task             what a task is
    registry         the tasks by name
    language_model   text: characters, bytes or words; generation and next tokens
    forecast         numeric series: windows in, the next rows out
    sequences        classify, regress, tag: a label, a number or a label for every step
    seq2seq          seq2seq, caption: a sequence for a text, or for labels and numbers

No task imports another; what two of them need stands in a layer below. Adding a task is one folder and one line in
`registry.py`.
"""
