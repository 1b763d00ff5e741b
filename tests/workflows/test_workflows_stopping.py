"""Signals are a wish the first time and an order the second."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from rnncli.workflows.stopping import stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted(number: int) -> None:
    before = signal.getsignal(number)
    with stop_on_signals() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
        assert stop.signal_number == number
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_at_once(number: int) -> None:
    """In a process of its own, because it ends without another word."""
    program = (
        "import os\n"
        "from rnncli.workflows.stopping import stop_on_signals\n"
        "with stop_on_signals():\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    print('once', flush=True)\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    print('never')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "once\n", "")
