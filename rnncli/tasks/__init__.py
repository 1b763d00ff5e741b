"""The tasks: for each, how its data become batches, its network, its losses and baselines, and how answers are written.

    task             the interface of a task: Task, Experiment (ready to train), Predictor (at work), their answers
    answers          what predict answers: a table, a stream, or pieces; headers: what a model file says of a config
    first_weights    the weights that training starts with
    line_by_line     answers for lines one by one, some of which may have none
    stopping_between signals that end what follows a stream
    edit_distance    edits between two sequences, and how they align them
    warped           the nearest sequence by dynamic time warping
    exported         a model for other programs: a graph of ONNX, or a network of PyTorch, and a test vector
    scored           lines of a text with how surprising each token was
    adopting         networks of other programs, which a task takes
    registry         the tasks by name, and functions that load the config of any of them
    language_model   text: characters, bytes or words; generation and next tokens
    forecast         numeric series: windows in, the next rows out
    sequences        classify, regress, tag: a label or a number for a sequence, or a label for every step
    seq2seq          seq2seq, caption: a text for a text, or for labels and numbers
    transcribe       a text for features that are not cut into its symbols: speech, handwriting (CTC)

No task imports another; code that two of them need is in a layer below. A new task is one folder and one line in
`registry.py`. Every folder has the same three entry points: `config` (its keys), `task` (its `Task`, which loads
nothing heavy), and the experiment and predictor, which the task imports when they are needed. The smallest example
is in tests/test_adding_things.py; sequences/learner.py shows how whole sequences are batched and learnt from.
"""
