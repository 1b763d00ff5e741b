"""One plain function per command: paths and options in, reports and results out. No click, no rich, no printing.

train, generate, predict, evaluate, inspect_grads, help   the commands
points           what inspect-grads looks at: weights before, after, where it failed
run_directory    the files of a run, locked, written atomically
opening          RUN or CONFIG or DATA: what a path on the command line means
stopping         SIGINT and SIGTERM as a question that the loop asks
"""
