"""The page on one run or several: the verdict first, then what it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rnncli.tasks.page import Page
from rnncli.ui.page.html import Markup, element, picture, section, table, whole_page
from rnncli.ui.pictures import confusion, curves, forecast
from rnncli.ui.pictures.canvas import is_installed
from rnncli.ui.results import cell
from rnncli.ui.scores import figure, instead

_FORECASTS = 4  # pictures of what comes next
_CONFUSIONS = 12


def page_of(pages: Sequence[Page]) -> str:
    """Return the HTML of a page on these runs; several are compared first."""
    if len(pages) == 1:
        return whole_page(f"rnncli: {pages[0].name}", *_run(pages[0]))
    compared = _compared(pages)
    return whole_page("rnncli: runs compared", element("h1", f"{len(pages)} runs compared"), compared, *_each(pages))


def _each(pages: Sequence[Page]) -> Iterator[Markup]:
    for page in pages:
        yield element("article", *_run(page))


def _compared(pages: Sequence[Page]) -> Markup:
    rows = []
    for page in pages:
        score = page.report["score"]
        name, value = _strongest(score) if score else (None, 0.0)
        beside = f"{figure(value)} ({name})" if name else "–"
        shown = [figure(score["network"]), beside, f"{score['unit']}, {score['split']}"] if score else ["–", "–", "–"]
        rows.append([page.name, *shown, _verdict(score)[1] if score else "–", f"{page.report['seconds']:.3g}"])
    head = ["run", "network", "best baseline", "score", "network is", "seconds"]
    curves_of = [page.curve for page in pages if page.curve is not None]
    drawn = picture(lambda: curves.draw(curves_of)) if len(curves_of) > 1 else Markup("")
    return Markup(table(head, rows, numbers=(1, 5)) + drawn)


def _run(page: Page) -> Iterator[Markup]:
    """Yield the parts of the page on one run."""
    score, report = page.report["score"], page.report
    yield element("h1", page.name)
    if score is None:
        yield element("p", "Nothing was held out, so nobody knows how good this model is.", kind="verdict unknown")
    else:
        sentence, words = _verdict(score)
        kind = words if words in ("better", "worse") else "unknown"
        yield element("p", sentence, kind=f"verdict {kind}")
        if headline := score.get("headline"):
            yield element("p", headline["text"])
        yield section("Score beside its baselines", _scores(score))
    yield section("What comes next", *_forecasts(page))
    yield section("What intervals promised and held", *_intervals(page))
    if page.worst:
        drawn = picture(lambda: forecast.draw(page.worst, "The windows that were forecast worst"))
        yield section("Worst windows of the held-out data", drawn)
    yield section("What is taken for what", *_confusions(page))
    if (curve := page.curve) is not None:
        yield section("Training", picture(lambda: curves.draw([curve])), element("p", _training(report), kind="soft"))
    if not is_installed():
        yield element("p", "Pictures are drawn by matplotlib: pip install 'rnncli[plots]'", kind="soft")
    for sentence in page.absent:
        yield element("p", sentence, kind="soft")
    yield section("Config", element("pre", _config(report["config"])))
    yield section("Where it comes from", _provenance(report))


def _strongest(score: Mapping[str, Any]) -> tuple[str | None, float]:
    """Return the strongest baseline of a score, and its own."""
    name = score.get("strongest")
    return (name, score["floors"][name]) if name in score["floors"] else (None, 0.0)


def _verdict(score: Mapping[str, Any]) -> tuple[str, str]:
    """Return the verdict on the network beside the strongest baseline as a sentence, and in short."""
    name, value = _strongest(score)
    if name is None:
        return f"The network's {score['unit']} is {figure(score['network'])}; there is no baseline beside it.", "–"
    ours, higher = score["network"], score["higher_is_better"]
    words = score.get("verdicts", {}).get(name)
    if words is None:
        words = "equal" if ours == value else "better" if (ours > value) == higher else "worse"
        tested = ""
    else:
        tested = " By luck alone such a difference is unlikely." if words == "better" else ""
    numbers = f"{score['unit']} {figure(ours)}, beside {figure(value)} of {name}, the strongest baseline"
    instead_of = score.get("used", "network") not in ("", "network")
    used = f" So {instead(score['used'])}." if instead_of else ""
    if words.startswith("cannot tell"):
        return f"Whether the network is better cannot be told ({words}): {numbers}.{used}", words
    return f"The network is {'no better' if words == 'equal' else words}: {numbers}.{tested}{used}", words


def _scores(score: Mapping[str, Any]) -> Markup:
    verdicts = score.get("verdicts", {})
    rows = [["network", figure(score["network"]), ""]]
    rows += [[name, figure(value), verdicts.get(name, "")] for name, value in score["floors"].items()]
    head = ["", score["unit"], "network is" if verdicts else ""]
    more = [f"{name} {figure(value)}" for name, value in score.get("figures", {}).items()]
    words = "higher is better" if score["higher_is_better"] else "lower is better"
    about = f"On the {score['split']} split; {words}. {score['detail']}" + "".join(f"; {one}" for one in more)
    return Markup(table(head, rows, numbers=(1,)) + element("p", about, kind="soft"))


def _forecasts(page: Page) -> Iterator[Markup]:
    shown = page.forecasts[:_FORECASTS]
    if shown:
        left_out = len(page.forecasts) - len(shown)
        yield picture(lambda: forecast.draw(shown), f"The first of {left_out + len(shown)} series" if left_out else "")


def _intervals(page: Page) -> Iterator[Markup]:
    if page.backtest is None or not page.backtest.coverage:
        return
    rows = [
        [f"{one.asked:g}%", f"{one.got:.1f}%", f"{one.count:,}", f"{one.first} to {one.last}", f"{one.width:.4g}"]
        for one in page.backtest.coverage
    ]
    yield table(["promised", "held", "of values", "rows", "mean width"], rows, numbers=(0, 1, 2, 4))


def _confusions(page: Page) -> Iterator[Markup]:
    if (matrix := page.confusion) is not None:
        yield picture(lambda: confusion.draw(matrix))
    found = (page.report["score"] or {}).get("confusions") or []
    if found:
        rows = [[one["actual"], one["predicted"], f"{one['count']:,}"] for one in found[:_CONFUSIONS]]
        yield element("p", "The most frequent mistakes:")
        yield table(["actual", "predicted", "how often"], rows, numbers=(2,))


def _training(report: Mapping[str, Any]) -> str:
    kept = {"best": "the best on validation", "last": "the last", "cross-validated": "cross-validated"}
    which = f"the weights of update {report['best_step']:,} are kept, {kept.get(report['kept'], report['kept'])}"
    return f"{report['steps']:,} updates in {report['seconds']:.3g} seconds; {which}."


def _config(config: Mapping[str, Any]) -> str:
    """Return the config as it would be written, without what is null."""
    lines = []
    for name, part in config.items():
        if not isinstance(part, Mapping):
            lines.append(f"{name}: {part}")
            continue
        lines.append(f"{name}:")
        for key, value in part.items():
            if value is not None and value != []:
                lines.append(f"  {key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)


def _provenance(report: Mapping[str, Any]) -> Markup:
    data = report["data"]
    rows = {
        "data": f"{data['path'] or 'standard input'}, {data['bytes']:,} bytes",
        "data, SHA-256": data["sha256"],
        "model, SHA-256": report["model_sha256"],
        "seed": report["seed"],
        "trained": f"{report['ended']}, {report['seconds']:.3g} s on {report['threads']} threads of {report['cpu']}",
        "versions": ", ".join(f"{name} {version}" for name, version in report["versions"].items()),
    }
    return table((), [[name, cell(value)] for name, value in rows.items()])
