"""Tasks: how each one's data becomes batches, what model it builds, its loss and floors, how its answers are written.

    task               what a task is
    registry           the tasks by name
    language_model     text: characters, bytes or words; generation and next tokens
    decoding           a token network step by step: priming, sampling
    ngram              the interpolated 5-gram, a language model's floor
    forecast           numeric series: windows in, the next rows out
    series             the columns of a table that a forecast needs, with their time column
    naive_forecasts    last value and seasonal naive, a forecast's floors
    one_direction      what both of these refuse
    many_to_one        what classify and regress share: parts, encoding, training, predicting
    classify, regress  a label or a number for each sequence
    baselines          majority, naive Bayes and nearest neighbour, their floors

Adding a task is one file and one line in `registry.py`.
"""
