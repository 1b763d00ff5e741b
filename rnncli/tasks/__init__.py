"""Tasks: how each one's data becomes batches, what it builds, its losses and baselines, how its answers are written.

    task             what a task is: Task, Experiment (prepared to learn), Predictor (trained, at work), their answers
    registry         the tasks by name, and configs of any of them
    language_model   text: characters, bytes or words; generation and next tokens
    forecast         numeric series: windows in, the next rows out
    sequences        classify, regress, tag: a label, a number or a label for every step
    seq2seq          seq2seq, caption: a sequence for a text, or for labels and numbers

No task imports another; what two of them need stands in a layer below. Adding a task is one folder and one line in
`registry.py`. Each folder has the same three ways in: `config` (its keys), `task` (its `Task`, which loads nothing
heavy), and the experiment and predictor that the task imports when they are needed. The smallest example of it all is
in tests/test_adding_things.py; sequences/learner.py shows how whole sequences are placed and learnt from.
"""
