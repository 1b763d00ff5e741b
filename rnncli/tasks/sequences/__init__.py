"""classify, regress, tag: labelled sequences of tokens, words or numbers.

config, task                             their keys; the tasks
examples, example_files                  sequences with a label or a number each; every form of file they come in
tagged                                   sequences with a tag for every step
readers                                  tokens, words and numbers to what a network reads
experiment                               what all three share: reading, training, predicting
classify, regress, tag                   what a label, a number, a tag for every step is: how read, judged and predicted
learner                                  learns from whole sequences with one answer each, or one for every step
baselines                                their baselines, one of which a classifier of texts may correct
"""
