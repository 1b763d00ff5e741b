"""Training: how a network is driven, and what is reported of it. It prints nothing and writes no file.

reports           frozen dataclasses, all that the user interface ever sees
threads           batch shards on a pool of threads
backpropagation   one window forward and backward over the shards
truncated_bptt    which steps each update trains on, and how far back its gradient flows
streams           learns from contiguous streams of tokens with carried state
windows           windows of series, scaled by their contexts
decoders, recursive   how a network gets from a context to the rows after it
forecast_losses   the losses of forecasts, and how outputs are read
member            one network, its windows, and what it says of them
window_learner    learns from shuffled windows of series
batches           whole sequences in batches of like length
examples          learns from whole sequences with one answer each, or one for every step
pairs             learns to write a target for each source
inspection        what inspect-grads measures; a package
gradient_reports  frozen dataclasses of that
optimizer         clipping and the fused update of the flat buffer
schedules         the learning rate at an update
loop              updates, evaluations, the best weights, stopping, resuming: a generator of reports
"""
