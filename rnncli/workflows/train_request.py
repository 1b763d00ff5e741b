"""What `train` is asked for, and the names that follow from it."""

from __future__ import annotations

import glob
import itertools
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnncli.config.sections import Config
from rnncli.data.source import Source
from rnncli.workflows.names import is_config
from rnncli.workflows.opening import First


@dataclass(frozen=True)
class Request:
    """The arguments of `train`; `first` is a config or data, by name or, from a program, as they are; `out` None picks
    a free name under runs/.

    origin: the run to start from. pause: the share of the updates at whose evaluation training ends for now, saved as
    at a stop, but without an error; it goes on with `resume`.
    """

    first: First | None
    data: Sequence[str | Source] = ()
    out: str | None = None
    overrides: Sequence[str] = ()
    resume: bool = False
    watch_grads: bool = False
    origin: str | None = None
    pause: float = 1.0

    @property
    def named_data(self) -> list[str | Source]:
        """The data on the command line, which may follow a config."""
        first = self.first
        if isinstance(first, str):
            return [*self.data] if is_config(first) else [first, *self.data]
        return [first, *self.data] if isinstance(first, Source) else [*self.data]

    def name(self, nameless: str = "") -> str:
        """Return the name of a config, of its data, or of the folder of several files; `nameless` for what has none."""
        first = self.first if isinstance(self.first, str) else nameless if self.first else ""
        several = len(self.named_data) > 1 or glob.has_magic(first)
        return "stdin" if first == "-" else Path(first).resolve().parent.name if several else Path(first).resolve().stem

    def free_name(self, config: Config) -> Path:
        """Return the path of a run that is named after what it is trained on, or after its task."""
        stem = self.name(config.task)
        names = itertools.chain([stem], (f"{stem}-{k}" for k in itertools.count(2)))
        return next(path for name in names if not os.path.lexists(path := Path("runs") / name))

    def resume_command(self, run: Path, source: Source) -> str:
        """Return what goes on with the run that was asked for."""
        named = self.named_data
        if any(isinstance(one, Source) for one in named):
            return f"rnncli.train(data=…, out={str(run)!r}, resume=True), with the same data"
        piped = [] if source.path else [*map(str, named or ["-"])]
        return shlex.join(["rnncli", "train", *piped, "-o", str(run), "--resume"])
