"""The report of a finished run, its file report.json: the final score, and where it comes from."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rnncli import __version__
from rnncli.config.sections import SECTIONS, Config
from rnncli.data.source import Source
from rnncli.training.plan import Position
from rnncli.training.reports import Finished
from rnncli.training.score_object import score_object
from rnncli.workflows.report_types import require_types

FORMAT = 1


@dataclass(frozen=True)
class RunReport:
    """The end of a run. score: as `train -f json` has it; None where nothing was held out. kept: see `Finished`.

    steps: the updates that were made. seconds: of updates and evaluations, without compilation. data: `path` (None for
    a pipe), `bytes` and `sha256`, which covers all files that were read. config: as config.yaml has it.
    model_sha256: of the model file. ended: when, in UTC. fit: whether it over- or under-fits, as `train -f json` says.
    """

    task: str
    score: Mapping[str, Any] | None
    kept: str
    best_step: int
    best_loss: float | None
    steps: int
    seconds: float
    seed: int
    threads: int
    cpu: str
    versions: Mapping[str, str]
    data: Mapping[str, Any]
    config: Mapping[str, Any]
    model_sha256: str
    ended: str
    fit: Mapping[str, Any] | None = None
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return the object that report.json holds, its format first."""
        return {"format": self.format, **asdict(self)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> RunReport:
        """Return the report in an object; TypeError or ValueError where it is none of this version."""
        require_types(found)
        report = cls(**found)
        if report.format != FORMAT:
            raise ValueError(f"format {report.format}")
        if not set(SECTIONS) <= report.config.keys():
            raise ValueError("parts are missing")
        return report


def run_report(
    config: Config, source: Source, sha256: str, position: Position, threads: int, end: Finished, model_sha256: str
) -> RunReport:
    """Return the report of a run with the resolved `config`, whose `end` was shown."""
    best = end.best_loss
    return RunReport(
        task=config.task,
        score=None if end.score is None else score_object(end.score),
        kept=end.kept,
        best_step=end.best_update,
        best_loss=best if abs(best) < float("inf") else None,
        steps=position.update,
        seconds=position.seconds,
        seed=config.training.seed,
        threads=threads,
        cpu=cpu_name(),
        versions={
            "rnncli": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "numba")},
        },
        data={"path": config.data.path, "bytes": source.size, "sha256": sha256},
        config=config.model_dump(),
        model_sha256=model_sha256,
        ended=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        fit=end.fit.to_json() if end.fit else None,
    )


def cpu_name() -> str:
    """Return what the CPU calls itself, or the kind of the machine where it has no name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, names), "") or platform.processor() or platform.machine()
