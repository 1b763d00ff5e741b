"""Training: how a network is driven, and what is reported of it. It prints nothing and writes no file.

reports           frozen dataclasses, all that the user interface ever sees
threads           batch shards on a pool of threads
backpropagation   one window forward and backward over the shards
truncated_bptt    which steps each update trains on, and how far back its gradient flows
batches           whole sequences in batches of like length
optimizer         clipping and the fused update of the flat buffer
schedules         the learning rate at an update
loop              updates, evaluations, the best weights, stopping, resuming: a generator of reports
"""
