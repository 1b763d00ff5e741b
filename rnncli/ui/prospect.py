"""Output of what a training would be."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rnncli.memory import readable
from rnncli.training.prospect import Prospect
from rnncli.ui.output import TIED, Output, duration, told


def write_prospect(found: Prospect | None, config: str, form: str) -> None:
    """Write the prospect, or that a config without data is sound, as text or as one JSON object."""
    out = Output()
    if form == "json":
        out.write(json.dumps({"config": config, "ok": True, **_object(found)}, ensure_ascii=False, indent=2) + "\n")
    elif found is None:
        out.tell(f"{config} is sound, and names no data; name them after it to check both")
    else:
        out.write("".join(f"{line}\n" for label, text in _facts(found) for line in _lines(label, text)))


def write_problems(problems: Sequence[str], config: str) -> None:
    """Write what is wrong as one JSON object."""
    found = {"config": config, "ok": False, "problems": list(problems), "plan": None}
    Output().write(json.dumps(found, ensure_ascii=False, indent=2) + "\n")


def _object(found: Prospect | None) -> dict[str, object]:
    if found is None:
        return {"plan": None}
    return {
        "plan": {
            "facts": dict(found.facts),
            "chosen": dict(found.chosen),
            "parameters": found.parameters,
            "memory_bytes": found.memory,
            "updates": found.updates,
            "epochs": round(found.epochs, 3),
            "seconds": round(found.seconds, 3),
            "limited_by_max_time": found.limited,
        }
    }


def _facts(found: Prospect) -> list[tuple[str, str]]:

    chosen = ", ".join(f"{key} {value}".lower().replace(" ", TIED) for key, value in found.chosen.items())
    epochs = f"{found.epochs:,.0f} epochs" if found.epochs >= 10 else f"{found.epochs:.3g} epochs"
    limit = ", as many as training.max_time allows" if found.limited else ""
    return [
        *found.facts,
        *([("chosen", chosen)] if chosen else []),
        ("memory", f"{readable(found.memory)} of {readable(found.available_memory)} available"),
        ("plan", f"{found.updates:,} updates, {epochs}{limit}"),
        ("time", f"about {duration(found.seconds)} of training; compiling, baselines and the score come on top"),
    ]


def _lines(label: str, text: str) -> list[str]:
    return told(text, f"{label:>11}  ")
