"""Signals are a wish the first time and an order the second."""

from __future__ import annotations

import os
import signal

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


def test_the_second_signal_ends_at_once() -> None:
    def interrupted_twice() -> None:
        with stop_on_signals():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
