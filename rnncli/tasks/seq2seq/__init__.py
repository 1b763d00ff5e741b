"""seq2seq, caption: something given, a sequence of tokens written for it.

config, task       their keys; the tasks
pairs              pairs of what is given and what is to be written for it
learner            learns to write a target for each source
writing            what both share: training, scoring, writing
seq2seq, caption   a text for a text; a text for labels and numbers
scores             how written answers are judged, and their baselines
"""
