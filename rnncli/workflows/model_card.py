"""The model card of an exported network: README.md as model hubs show it, with scores beside their baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnncli.tasks.exported import InTorch


def model_card(name: str, made: InTorch, version: str, report: Mapping[str, Any] | None) -> str:
    """Return the page. report: what report.json of its run holds, None where there is none."""
    task, shape = made.about["task"], made.architecture
    ways = ", both ways" if shape["bidirectional"] else ""
    size = sum(array.size for array in made.arrays().values())
    return "\n".join(
        [
            "---",
            "library_name: pytorch",
            f"tags: [rnncli, {task}, {shape['cell']}]",
            "---",
            f"# {name}",
            "",
            f"A {task} that rnncli {version} trained: {shape['num_layers']} × {shape['cell']} of "
            f"{shape['hidden_size']}{ways}, {size:,} parameters.",
            "",
            "## Scores",
            "",
            *_scores(report),
            "",
            "## Use",
            "",
            "Needs `torch` and `safetensors`. `python load.py` compares the network with what rnncli computed.",
            "",
            "```python",
            "from load import CONFIG, load",
            "",
            f"outputs, state = load()({_INPUTS[shape['reads']]}, lengths)",
            "```",
            "",
            "`config.json` tells what the inputs and outputs mean.",
            "",
        ]
    )


_INPUTS = {"tokens": "tokens", "values": "scaled_values"}


def _scores(report: Mapping[str, Any] | None) -> list[str]:
    score = None if report is None else report["score"]
    if score is None:
        return ["None are known: nothing was held out, or no report was beside the model."]
    rows = {"this network": score["network"], **score["floors"]}
    better = "higher" if score.get("higher_is_better") else "lower"
    used = f" `predict` of rnncli answers by {score['used']}." if score.get("used", "network") != "network" else ""
    return [
        f"On the {score['split']} split, {score['unit']}; {better} is better. Baselines need no training.{used}",
        "",
        f"| | {score['unit']} |",
        "|---|---|",
        *(f"| {name} | {value:.4g} |" for name, value in rows.items()),
    ]
