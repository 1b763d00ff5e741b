"""classify, regress, tag: labelled sequences of tokens, words or numbers.

examples                               sequences with a label or a number each
example_files, example_tables, archive   every form of file that they come in
tagged                                 sequences with a tag for every step
readers                                tokens, words and numbers to what a network reads
learner                                learns from whole sequences with one answer each, or one for every step
many_to_one                            what classify and regress share: reading, training, predicting
classify, regress, tag                 the tasks
baselines, naive_bayes                 their baselines, one of which a classifier of texts may correct
"""
