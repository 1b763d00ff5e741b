"""transcribe: a text for a sequence of features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnncli.tasks.task import Context, Experiment, Predictor, Recognised, Task
from rnncli.tasks.transcribe.config import TranscribeConfig

if TYPE_CHECKING:
    import numpy as np

    from rnncli.data.files import Paths
    from rnncli.data.look import Look
    from rnncli.data.source import Source


class Transcribe(Task):
    name = "transcribe"
    config = TranscribeConfig
    options = {
        "predict": frozenset(
            {"strict", "scores", "n_best", "beam", "timestamps", "lm", "lm_weight"}
            | {"follow", "rate", "coding", "channels"}
        ),
        "evaluate": frozenset({"must_beat", "confusion", "plot"}),
    }

    reads_files = True
    answers_files = True

    def recognised(self, look: Look) -> Recognised | None:
        from rnncli.tasks.transcribe import recognition

        return recognition.listed(look) or recognition.stepwise(look)

    def recognised_names(self, path: Paths) -> str | None:
        from rnncli.tasks.transcribe import recognition

        return recognition.named(path)

    def source(self, config: TranscribeConfig, path: Paths | Source, seen: Source | None = None) -> Source:
        from rnncli.data.source import Source
        from rnncli.tasks.transcribe.recordings import RecordingFiles

        return path if isinstance(path, Source) else RecordingFiles(path, config.data)

    def prepare(
        self, config: TranscribeConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None = None
    ) -> Experiment:
        """Prepare it; texts beside sound are UTF-8 unless another encoding is given."""
        return self.experiment(config.completed(data={"encoding": "utf-8"}), source, context, learnt)

    def experiment(
        self, config: TranscribeConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
    ) -> Experiment:
        from rnncli.tasks.transcribe import experiment

        return experiment.prepare(config, source, context, learnt)

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        from rnncli.tasks.transcribe import predictor

        return predictor.load(header, arrays)


TRANSCRIBE = Transcribe()
