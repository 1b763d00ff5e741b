"""Workflows: one plain function per command, paths and options in, reports and results out. None prints or uses click
or rich.

init, check, train, tune, generate, compress, predict, score, evaluate, inspect_grads, runs, plot, report, export,
help             the commands
imported         the command import, whose name is a word of Python
verify           the check of a run
model_card       the page of a network that was exported for PyTorch; pytorch_loader: what loads it there
tune_space       what is searched; tune_halving: which trial goes on; tune_sampler: where to look next
tune_study       the folder of a study; tune_worker: a process that works on it; tune_report: its end
training_run     a training within its run directory; train_request: what is asked for; experiments: from a config
                 and data to what is trained
compare_grads    several networks for inspect-grads, trained for it or as runs
points           the weights that inspect-grads looks at: before training, after it, or where it failed
run_directory    the files of a run, locked, written atomically
run_state        what it takes to go on with a run: state.safetensors; metrics_file: its evaluations, metrics.jsonl
run_report       the final score of a run, and where it comes from: report.json
bare_file        the task of a data file without a config, or a question
names            what a name on the command line is, before anything is opened
opening          the meaning of a path on the command line: RUN, CONFIG or DATA
trained_on       the data of a run, if they are as they were
launcher         whether a launcher started several ranks, and MPI behind it
together         a command on all of them
leading          rank 0, which reads, says and writes
following        the other ranks
mpi_job          what ranks tell each other by MPI, and their common end
temporary        a folder for what is not kept
stopping         SIGINT and SIGTERM as a question that the loop asks
"""
