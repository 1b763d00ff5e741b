"""What `import rnncli` gives to a program: the commands as functions, by the same workflows.

    training   train and Run
    model      load and Model
    handed     data in memory as a Source, which the readers of files then read
    answers    what predict returns, task by task
    options    keyword arguments, checked by the options of the commands
    talk       notes to logging, errors of the system and of signals to exceptions

`rnncli/__init__.py` imports these when a name of them is first used. Results, errors, notes and reports are those of
the commands; nothing is printed but the progress of training, where somebody can see it.
"""
