"""Training: how a network is driven, and what is reported of it. It prints nothing and writes no file.

reports           frozen dataclasses, all that the user interface ever sees
backpropagation   one window forward and backward, a shard of the batch on each thread
batches           windows of long streams (truncated BPTT), and whole sequences in batches of like length
optimizer         the learning rate at an update, clipping, and the fused update of the flat buffer
loop              updates, evaluations, the best weights, stopping, resuming: a generator of reports
"""
