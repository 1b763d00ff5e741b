"""seq2seq, caption: tasks that write a sequence of tokens for a given input.

config, task       the keys of the tasks; the tasks
recognition        whether a data file without a config has pairs
pairs              pairs of an input and the target to write for it
edits              targets as edits of their sources
prompts            the interface of what is given
learner            training to write a target for each source
writing, predictor the experiment and the predictor that both share
candidates         answers as texts, those of networks beside that of a baseline
attention_map      where the networks looked when they wrote an answer
unknown            rare tokens as unknown ones in training, and copied from the source when written
seq2seq, caption   a text for a text; a text for labels and numbers
scores, endings    metrics of written answers, and their baselines; one that changes the endings of words
"""
