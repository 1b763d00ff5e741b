"""Output of the checks of a run, a line each as they are made, or all as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from rnncli.errors import RnncliError
from rnncli.training.verified import Verified
from rnncli.ui.output import Output

_WORDS = {True: "ok", False: "failed", None: "not checked:"}


def write_verified(checks: Iterable[Verified], run: str, form: str) -> None:
    """Write the checks; the error that ends them is raised when they are written."""
    out = Output()
    if form == "text":
        for one in checks:
            out.write(f"{one.name:<7} {_WORDS[one.passed]:<11} {one.found}\n")
        return
    made: list[Verified] = []
    failure: RnncliError | None = None
    try:
        made.extend(checks)
    except RnncliError as error:
        failure = error
    if failure is not None and not made:
        raise failure
    found = {"run": run, "ok": failure is None, "checks": [asdict(one) for one in made]}
    out.write(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    if failure is not None:
        raise failure
