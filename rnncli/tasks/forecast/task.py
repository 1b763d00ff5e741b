"""forecast: the next rows of numeric series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnncli.tasks.forecast.config import ForecastConfig
from rnncli.tasks.task import Context, Experiment, Options, Predictor, Recognised, Task

if TYPE_CHECKING:
    import numpy as np

    from rnncli.data.look import Look
    from rnncli.data.source import Source


class Forecast(Task):
    name = "forecast"
    config = ForecastConfig
    options = {
        "predict": frozenset(
            {"horizon", "levels", "samples", "sum", "explain", "network", "future", "follow", "state", "strict", "plot"}
        ),
        "export": frozenset({"no_average"}),
        "evaluate": frozenset({"horizon", "levels", "sum", "windows", "step", "must_beat", "fail_if", "plot"}),
    }
    before = {"data.padding": "false", "training.average": "false"}

    def experiment(
        self, config: ForecastConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
    ) -> Experiment:
        """Return an experiment; of `learnt` it takes the encoders and the power of the transform."""
        from rnncli.tasks.forecast.experiment import ForecastExperiment

        return ForecastExperiment(config, source, context, learnt)

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        from rnncli.tasks.forecast.forecaster import Forecaster

        return Forecaster(header, arrays)

    def renewed(self, header: Mapping[str, Any]) -> dict[str, Any]:
        new = super().renewed(header)
        new["data"].setdefault("padding", False)
        return new

    def recognised(self, look: Look) -> Recognised | None:
        from rnncli.tasks.forecast.recognition import recognised

        return recognised(look)

    def require_options(self, command: str, options: Options) -> None:
        from rnncli.tasks.forecast.report import require_rule

        for rule in options.get("fail_if", ()):
            require_rule(rule)

    def held_out_for(self, config: ForecastConfig, options: Options) -> list[str]:
        """Return an override of data.test, as many rows as the windows need, if the config names no test split."""
        windows, horizon = options.get("windows"), options.get("horizon", config.data.horizon)
        if windows is None or config.data.test is not None or horizon is None:
            return []
        return [f"data.test={(windows - 1) * options.get('step', 1) + horizon}"]


FORECAST = Forecast()
