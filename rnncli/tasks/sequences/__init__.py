"""classify, regress, tag: tasks on labelled sequences of tokens, words or numbers.

config, task                             the keys of the tasks; the tasks
recognition                              whether a data file without a config has labelled sequences
examples, example_files                  sequences with a label or a number each; all file formats that hold them
example_lines                            those in lines of a label and a text, or of texts to be predicted
named_rows                               names of columns above rows for a model whose training data had none
archive_file                             .ts files of the UCR/UEA archive
gaps                                     missing values, and what fills them
tagged                                   sequences with a tag for every step
entries                                  the sequences of a table one by one, where some cannot be read
affixes                                  what words share: shapes, first and last letters
readers                                  tokens, words and numbers to the inputs of a network
answers                                  what the three differ in: a kind of answer
experiment, predictor                    the experiment and the predictor that all three share
written_labels                           where labels stand before texts, and several in one cell
one_answer                               what classify and regress share
classify, regress, tag                   labels, numbers, and tags for every step: reading, predicting, scoring
label_sets                               several labels for each sequence
averages                                 outputs that stand for those of several networks
spans, decoding                          spans that tags mark, and the best tags for outputs
label_scores, chances                    scores of labels; probabilities of labels, as answers show them
learner                                  training on whole sequences with one answer each, or one for every step
baselines, sample                        the baselines of these tasks by name; a sample where all would take too long
naive_bayes, linear, ridge, nearest, echo_state what they predict with
exported                                 the networks for other programs, with all that happens to their inputs:
                                         exported_numbers, exported_echo_state, exported_naive_bayes
corrected                                naive Bayes or an echo state network, which a network corrects
"""
