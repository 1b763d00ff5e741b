"""Tasks: how each one's data becomes batches, what model it builds, its loss and floors, how its answers are written.

    task               what a task is
    registry           the tasks by name
    language_model     text: characters, bytes or words; generation and next tokens
    decoding           a token network step by step: priming, sampling
    ngram              the interpolated 5-gram, a language model's floor
    forecast           numeric series: windows in, the next rows out; a package
    naive_forecasts, theta   the forecasts that need no learning; a network may correct some of them
    forecast_metrics   what forecasts are judged by
    bootstrap          whether one forecaster is better than another, or only luckier
    one_direction      what a language model and a forecast refuse
    parts              a training part, and those held out of it
    readers            tokens, words and numbers to what a network reads
    whole_sequences    what the tasks below refuse
    many_to_one        what classify and regress share: reading, training, predicting
    classify, regress  a label or a number for each sequence
    baselines, naive_bayes   their floors, one of which a classifier of texts may correct
    tag                a label for every step
    writing            what seq2seq and caption share: training, scoring, writing
    seq2seq, caption   a sequence for a text, or for labels and numbers
    written_scores     how written answers are judged, and their floors
    first_weights      a model's first weights, as a config wants them

Adding a task is one file and one line in `registry.py`.
"""
