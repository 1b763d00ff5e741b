"""A score beside its floors, as text, rows and JSON: never a number that nobody can judge."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rnncli.training.reports import Finished, Score
from rnncli.ui.output import Output, visible
from rnncli.ui.results import as_csv, rounded, write_table


def finished_text(report: Finished) -> str:
    """What training ends with."""
    if report.score is None:
        return f"nothing was held out to score on; best training loss {report.best_loss:.4f}\n"
    return score_text(report.score)


def finished_json(report: Finished) -> str:
    """The same as one JSON object; `score` is null where nothing was held out."""
    score = None if report.score is None else score_object(report.score)
    return json.dumps({"run": report.run, "best_step": report.best_update, "score": score}) + "\n"


def score_text(score: Score) -> str:
    """The network beside its floors, and whether it beat them."""
    chose = "; it also chose the weights" if score.split == "validation" else ""
    width = max(len(name) for name in ("network", *(name for name, _ in score.floors)))
    lines = [
        f"{score.split} score, {score.unit} ({score.detail}){chose}:",
        f"  {'network':<{width}}  {figure(score.network)}",
    ]
    for name, value in score.floors:
        lines.append(f"  {name:<{width}}  {figure(value)}  {verdict(score.network, value, score.higher_is_better)}")
    return visible("\n".join(lines)) + "\n"


def figure(value: float) -> str:
    """Four decimals where they say enough."""
    return f"{value:.4f}" if value == 0 or 0.01 <= abs(value) < 1e6 else f"{value:.5g}"


def verdict(network: float, floor: float, higher_is_better: bool = False) -> str:
    """How a score compares with its floor."""
    if higher_is_better and network != floor:
        return (
            f"network {network - floor:.4f} higher"
            if network > floor
            else (f"network is no better ({floor - network:.4f} lower)")
        )
    if network < floor:
        return f"network {(floor - network) / abs(floor):.1%} better"
    if network == floor:
        return "network is no better (equal)"
    if network > 3 * floor:
        return "network is no better" + (f" ({network / floor:.3g} times as large)" if floor > 0 else "")
    return f"network is no better ({(network - floor) / abs(floor):.1%} worse)"


def score_object(score: Score) -> dict[str, Any]:
    """For JSON."""
    return asdict(score) | {"floors": dict(score.floors)}


def write_score(score: Score, form: str) -> None:
    """As `form` says; of labels, how they were confused follows the text."""
    out, confusion = Output(), score.confusion
    if form == "json":
        out.write(json.dumps(rounded(score_object(score)), ensure_ascii=False, indent=2) + "\n")
    elif form == "csv":
        named, rest = (("network", score.network), *score.floors), {"unit": score.unit, "split": score.split}
        out.write(as_csv([{"name": name, "score": value, **rest} for name, value in named]))
    else:
        out.write(score_text(score))
        if confusion is not None:
            write_table(
                [
                    {"label": label, **dict(zip(confusion.labels, row, strict=True))}
                    for label, row in zip(confusion.labels, confusion.counts, strict=True)
                ],
                title="how often each label (a row) was predicted as another (a column)",
            )
