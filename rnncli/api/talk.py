"""What a program hears: notes as records of the logger `rnncli`, errors as exceptions.

Notes go to `logging` and not to `warnings`: they tell of the data and not of a line of the program, which warnings
name and of which they tell once; and with `-W error` one would end a training.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rnncli.cli.mistakes import refusal_of_the_system
from rnncli.errors import MachineError, StoppedError
from rnncli.notes import Doubt, noting, telling

LOGGER = logging.getLogger("rnncli")


def log(text: str) -> None:
    """Log a note for information, a doubt as a warning."""
    LOGGER.log(logging.WARNING if isinstance(text, Doubt) else logging.INFO, "%s", text)


def warn(text: str) -> None:
    """Log what is wrong with an input that has no answer."""
    LOGGER.warning("%s", text)


telling(log)  # what is to be read at once, such as the waiting for another process that compiles


@contextmanager
def heard() -> Iterator[None]:
    """Log the notes of a block, and raise its errors as a program expects them.

    Ctrl-C is KeyboardInterrupt, when all is saved; what the system refused is MachineError.
    """
    try:
        with noting(log):
            yield
    except StoppedError as error:
        if error.exit_code == 128 + signal.SIGINT:
            raise KeyboardInterrupt(str(error)) from None
        raise
    except MemoryError:
        raise MachineError("out of memory; give fewer data at once, or lower model.hidden_size") from None
    except OSError as error:
        raise MachineError(refusal_of_the_system(error)) from error
