"""Options that a task has no use for, or that nobody can mean."""

from __future__ import annotations

import pytest

from rnncli.errors import UsageError
from rnncli.tasks.registry import TASKS
from rnncli.workflows.opening import require_readable, require_understood


def test_an_option_is_refused_as_it_was_typed():
    for typed, value in {"-f plot": "-f plot", "--plot": "--plot"}.items():
        with pytest.raises(UsageError, match=f"^{typed}: is for forecast, seq2seq, caption, and this is a transcribe"):
            require_understood("predict", TASKS["transcribe"], {"plot": value})


def test_an_unknown_encoding_is_refused_though_the_data_may_be_no_text():
    require_readable(TASKS["transcribe"], {"encoding": "latin-1"})
    with pytest.raises(UsageError, match='unknown encoding "nope"'):
        require_readable(TASKS["transcribe"], {"encoding": "nope"})
