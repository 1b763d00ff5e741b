"""classify, regress, tag: tasks on labelled sequences of tokens, words or numbers.

config, task                             the keys of the tasks; the tasks
examples, example_files                  sequences with a label or a number each; all file formats that hold them
archive_file                             .ts files of the UCR/UEA archive
gaps                                     missing values, and what fills them
tagged                                   sequences with a tag for every step
entries                                  the sequences of a table one by one, where some cannot be read
readers                                  tokens, words and numbers to the inputs of a network
experiment, predictor                    the experiment and the predictor that all three share
classify, regress, tag                   labels, numbers, and tags for every step: reading, predicting, scoring
learner                                  training on whole sequences with one answer each, or one for every step
baselines                                the baselines of these tasks; a classifier of texts may correct naive Bayes
"""
