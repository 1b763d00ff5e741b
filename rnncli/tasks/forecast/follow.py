"""predict --follow: a series is read row by row as it arrives; each row is scored, and the next is forecast."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rnncli import safe_files
from rnncli.data.typed import typed
from rnncli.errors import ModelFileError, UsageError
from rnncli.nn import model_file
from rnncli.notes import doubt, note
from rnncli.tasks.forecast.backtest import NETWORK
from rnncli.tasks.forecast.follower import Follower
from rnncli.tasks.forecast.forecast_notes import note_receipts
from rnncli.tasks.forecast.forecaster import Forecaster, ForecastOptions
from rnncli.tasks.forecast.panel import digits_of
from rnncli.tasks.forecast.stream_answers import StreamAnswers
from rnncli.tasks.forecast.stream_lines import StreamLines
from rnncli.tasks.stopping_between import Stopping
from rnncli.tasks.task import Asked

_SAVED_EVERY = 30.0  # seconds


def follow(forecaster: Forecaster, asked: Asked, options: ForecastOptions) -> Iterator[dict[str, Any]]:
    """Return an iterator of a result for each row; StoppedError on SIGINT or SIGTERM, after the state is saved."""
    if forecaster.data.resample is not None:
        raise UsageError(
            "--follow: reads rows as they come, and this model was trained on rows that data.resample made even; train "
            "on such rows, and follow those"
        )
    if forecaster.data.duplicates == "sum":
        doubt(
            "the model was trained on sums of rows of one time (data.duplicates); a stream must bring the sums, as the "
            "first row of each time is taken"
        )
    follower = Follower(forecaster, options.levels, network=options.network)
    data = forecaster.config.data.read_as(asked.reading)
    delimiter = str(asked.reading.get("delimiter", forecaster.delimiter))
    lines = StreamLines(asked.data or "-", forecaster.columns, data, delimiter, strict=options.strict)
    # As the model's own data are written, wherever a state goes on.
    digits = [digits for series in digits_of(follower.panel) for digits in series]
    answers = StreamAnswers(follower, lines, digits, asked.tell, strict=options.strict)
    state = safe_files.led_to(Path(options.state)) if options.state else None
    if state is not None and not state.parent.is_dir():
        raise UsageError(f"--state {state}: there is no folder {state.parent}; create it, or name another")
    if state is not None:
        safe_files.drop_leftovers(state)
    if state is not None and state.exists():
        _restore(answers, state)
        progress = answers.warm_up.progress if answers.warm_up else ""
        note(f"goes on from {state}" + (f", {progress}" if progress else ""))
    if follower.carries:
        note("follows with a carried state: one step of the network to read a row, whatever the context")
    elif follower.method == NETWORK:
        note(f"reads its {forecaster.members.context} rows of context anew for every row")
    else:
        note(f"{follower.method.replace('-', ' ')}, which was no worse on validation, forecasts anew for every row")
    if follower.method == NETWORK and forecaster.members.average is not None:
        note(f"forecast: {forecaster.members.average}")
    if options.levels:
        note_receipts(forecaster, options.levels, 1, network=options.network)
    return _followed(answers, state)


def _followed(answers: StreamAnswers, state: Path | None) -> Iterator[dict[str, Any]]:
    saved_at = time.monotonic()
    try:
        with Stopping() as stopper:
            for arrived in stopper.between(iter(answers.lines)):
                answer = answers.answer(arrived)
                if answer is not None:
                    yield answer
                if state is not None and time.monotonic() - saved_at > _SAVED_EVERY:
                    _save(answers, state)
                    saved_at = time.monotonic()
    finally:
        answers.end_repeated(by_a_row=False)
        if state is not None:
            _save(answers, state)
    answers.require_all_read()


def _save(answers: StreamAnswers, state: Path) -> None:
    follower, warm_up = answers.follower, answers.warm_up
    last = [timeline.last for timeline in follower.panel.timelines]
    arrays = follower.saved()
    header: dict[str, Any] = {"task": "follow", "last": last, "model": follower.forecaster.identity}
    if warm_up is not None:
        rows = np.stack(warm_up.rows)
        arrays |= {"warm_up": np.nan_to_num(rows), "warm_up_known": (~np.isnan(rows)).astype(np.uint8)}
        header["warm_up"] = warm_up.timeline.last
    model_file.write(state, arrays, header)


def _restore(answers: StreamAnswers, state: Path) -> None:
    try:
        arrays, header = model_file.read(state)
    except ModelFileError as error:
        what = str(error).removeprefix(f"{state}: ").partition(";")[0]
        raise ModelFileError(f"{state}: is no state of predict --follow: {what}; name another file") from None
    follower = answers.follower
    if header.get("task") != "follow":
        raise ModelFileError(f"{state}: is no state of predict --follow; name another file")
    if header.get("model") != follower.forecaster.identity:
        raise ModelFileError(f"{state}: is the state of another model; remove it, or follow with the model it is of")
    try:
        rows, known = (arrays.pop(name, np.zeros((0, 0))) for name in ("warm_up", "warm_up_known"))
        if rows.ndim != 2 or rows.shape != known.shape:
            raise ValueError
        if header.get("warm_up") is not None and rows.shape[1:] != follower.last_known().shape:
            raise ValueError
        follower.restore(arrays, typed(list[str], header["last"]))
        answers.resume(list(np.where(known.astype(bool), rows, np.nan)), header.get("warm_up"))
    except (KeyError, ValueError, TypeError, IndexError):
        raise ModelFileError(f"{state}: is damaged; remove it, and begin again") from None
