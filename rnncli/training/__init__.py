"""Training: gradients of batches, optimizers, the loop and its reports. It prints nothing and writes no file.

curves            the course of a training, as the lines of metrics.jsonl tell it
fit               whether a network over- or under-fits, and what to change
reports           frozen dataclasses, which are all that the user interface knows of training
wrong_answers     wrong answers to what was held out, the worst first
score_object      a score as JSON
prospect          what a training would be
verified          what a check of a run found
listed            a run in a list of runs
tuned             what a search for settings has tried
backpropagation   one window forward and backward, one shard of the batch per thread
batches           windows of long streams (truncated BPTT), and batches of whole sequences of similar length
whole_sequences   training on whole sequences in such batches, and their outputs
room              pieces of batches with a sequence that is much longer than usual, and the workspaces for them
optimizer         the learning rate of an update, clipping, and the fused update of the flat parameter buffer
side_by_side      several learners as one
ranks             processes that share the work of a training, and the order in which they add
folds             cross-validation: the learners of all folds as one, and the mean of their scores
plan              the plan of a run and its position
weight_average    an exponential moving average of the weights
measured          what an evaluation measured
going_back        back to the last evaluation where training diverges
budget            a time that training is to fill: plan and clock
length            how many updates a time has room for
learner           what the loop asks of a task
loop              a generator of reports: updates, evaluations, the best weights, stopping, resuming
"""
