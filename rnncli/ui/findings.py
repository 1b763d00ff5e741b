"""Output of what doctor found, as lines that come one by one or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rnncli.ui.output import Output, told

_NAME = 18  # columns


def write_findings(findings: Iterable[Mapping[str, Any]], form: str) -> None:
    """Write findings, each with `name`, `value`, `unit`, `mend` and `broken`, as a table as they come, or as JSON."""
    out = Output()
    if form == "json":
        out.write(json.dumps(list(findings), ensure_ascii=False, indent=2) + "\n")
        return
    for one in findings:
        value = " ".join(filter(None, [str(one["value"]), one["unit"]]))
        mend = told(one["mend"], " " * _NAME + ("broken: " if one["broken"] else "→ ")) if one["mend"] else []
        out.write("\n".join([f"{one['name']:<{_NAME}}{value}", *mend]) + "\n")
