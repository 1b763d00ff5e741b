"""The page on one run or several: the verdict first, then what it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rnncli.errors import amount, quoted
from rnncli.tasks.forecast.reports import BacktestReport
from rnncli.tasks.language_model.surprise import Surprise
from rnncli.tasks.page import MOST, Page
from rnncli.training.wrong_answers import DISTANCE, EDITS, PROBABILITY, WrongAnswer
from rnncli.ui.label_tables import shown_label
from rnncli.ui.numbers import figure, figures
from rnncli.ui.output import duration
from rnncli.ui.page.html import Markup, element, picture, table, whole_page
from rnncli.ui.page.room import ROOM, Part, articles_for
from rnncli.ui.pictures import confusion, curves, forecast, gradients, surprise
from rnncli.ui.pictures.canvas import is_installed, plain
from rnncli.ui.reach_table import reach_rows
from rnncli.ui.results import cell
from rnncli.ui.scores import CHOSE, instead

_FORECASTS = 12  # pictures of what comes next
_CONFUSIONS = 12
_CURVES = 14  # runs whose training is drawn in one picture
_COMPARED = 60_000  # bytes of the table that compares runs
_SHADES = 6
_LINES, _LINE = 200, 300  # lines of a config, and characters of one
_IN_SAMPLE = (
    "These intervals were made from the errors on these very rows, of which they hold about what they promise; hold "
    "out data.test to know what they hold of others."
)
_WORST = {
    PROBABILITY: "The surest wrong answers to the held-out data",
    DISTANCE: "The answers to the held-out data that are farthest off",
    EDITS: "The answers to the held-out data that are farthest off",
}


def page_of(pages: Sequence[Page]) -> str:
    """Return the HTML of a page on these runs, of less than ROOM bytes; several are compared first."""
    commands = [f"rnncli report {quoted(page.name)}" for page in pages]
    articles = [
        list(_run(page) if len(pages) <= MOST else _few_words(page, command))
        for page, command in zip(pages, commands, strict=True)
    ]
    if len(pages) == 1:
        return whole_page(f"rnncli: {_title(pages[0])}", *articles_for(articles, commands, ROOM))
    compared = _compared(pages)
    shown = list(articles_for(articles, commands, ROOM - len(compared.encode())))
    left = f"The first {len(shown):,} of these runs follow; make a page of fewer runs for the others."
    more = element("p", left, kind="soft") if len(shown) < len(pages) else ""
    head = element("h1", f"{len(pages):,} runs compared")
    return whole_page("rnncli: runs compared", head, compared, more, *(element("article", one) for one in shown))


def _compared(pages: Sequence[Page]) -> Markup:
    """Return the table that compares the runs, as many as there is room for, and a picture of their training."""
    rows, size = [], 0
    for page in pages:
        row = _row(page)
        size += sum(len(text.encode()) + 40 for text in row)
        if size > _COMPARED:
            break
        rows.append(row)
    head = ["run", "network", "best baseline", "score", "network is", "time"]
    inner = [table(head, rows, numbers=(1, 5))]
    if len(rows) < len(pages):
        inner.append(element("p", f"and {len(pages) - len(rows):,} more: rnncli runs lists them", kind="soft"))
    curves_of = [page.curve for page in pages if page.curve is not None]
    if len(curves_of) > 1:
        few = f"The first {_CURVES} of {len(curves_of):,} runs" if len(curves_of) > _CURVES else ""
        inner.append(picture(lambda: curves.draw(curves_of[:_CURVES]), few))
    return Markup("".join(inner))


def _row(page: Page) -> list[str]:
    score = page.report["score"]
    shown = ["–", "–", "–", "–"]
    if score:
        name, _ = _strongest(score)
        numbers = _shown(score)
        beside = f"{numbers[name]} ({name})" if name else "–"
        shown = [numbers["network"], beside, f"{score['unit']}, {score['split']}", _verdict(score)[1]]
    return [plain(page.name), *shown, duration(page.report["seconds"])]


def _run(page: Page) -> Iterator[Part]:
    """Yield the parts of the page on one run, its name and the verdict first."""
    score, report = page.report["score"], page.report
    title = _title(page)
    name = element("p", f"run {plain(page.name)}", kind="soft") if title != page.name else ""
    yield Part(Markup(element("h1", plain(title)) + name + _judged(score)))
    if score is not None:
        yield Part(_scores(score), 2, "Score beside its baselines", "the score beside its baselines")
    yield from _of_forecasts(page)
    if page.surprise is not None:
        text = page.surprise
        title, what = "What was surprising", "what was surprising"
        yield Part(picture(lambda: surprise.draw_course(text)), 7, title, what)
        yield Part(_passage(text), 5, title, what)
    yield from _confusions(page)
    if page.wrong:
        yield Part(_wrong(page.wrong), 5, _WORST[page.wrong[0].by], "the worst answers")
    yield from _training(page)
    if not is_installed():
        yield Part(element("p", "Pictures are drawn by matplotlib: pip install 'rnncli[plots]'", kind="soft"))
    for sentence in page.absent:
        yield Part(element("p", plain(sentence, _LINE), kind="soft"), 1)
    yield Part(element("pre", _config(report["config"])), 4, "Config", "the config")
    yield Part(_provenance(report), 3, "Where it comes from", "where it comes from")


def _title(page: Page) -> str:
    """Return what a page is on: the data and the task, or the run where its data came from a pipe."""
    path = page.report["data"]["path"]
    return f"{path.rpartition('/')[2]}: {page.report['task']}" if isinstance(path, str) else page.name


def _few_words(page: Page, command: str) -> Iterator[Part]:
    """Yield the parts of the page on one run of many, without pictures."""
    plainly = replace(page, curve=None, confusion=None)
    yield from _run(plainly)
    yield Part(element("p", f"Of more than {MOST} runs none has its pictures here: {command}", kind="soft"), 1)


def _judged(score: Mapping[str, Any] | None) -> Markup:
    """Return the verdict, and the first sentence on the score."""
    if score is None:
        return element("p", "Nothing was held out, so nobody knows how good this model is.", kind="verdict unknown")
    sentence, words = _verdict(score)
    kind = words if words in ("better", "worse") else "unknown"
    headline = element("p", score["headline"]["text"]) if score.get("headline") else ""
    return Markup(element("p", sentence, kind=f"verdict {kind}") + headline)


def _strongest(score: Mapping[str, Any]) -> tuple[str | None, float]:
    """Return the strongest baseline of a score, and its own."""
    name = score.get("strongest")
    return (name, score["floors"][name]) if name in score["floors"] else (None, 0.0)


def _shown(score: Mapping[str, Any]) -> dict[str, str]:
    """Return the score of the network and those of its baselines, as they are written."""
    every = {"network": score["network"], **score["floors"]}
    return {name: text.strip() for name, text in zip(every, figures([*every.values()]), strict=True)}


def _verdict(score: Mapping[str, Any]) -> tuple[str, str]:
    """Return the verdict on the network beside the strongest baseline as a sentence, and in short."""
    name, value = _strongest(score)
    if name is None:
        return f"The network's {score['unit']} is {figure(score['network'])}; there is no baseline beside it.", "–"
    ours, higher = score["network"], score["higher_is_better"]
    words = score.get("verdicts", {}).get(name)
    tested = words is not None
    if words is None:
        words = "equal" if ours == value else "better" if (ours > value) == higher else "worse"
    shown = _shown(score)
    numbers = f"{score['unit']} {shown['network']}, beside {shown[name]} of {name}, the strongest baseline"
    used = f" {_capital(instead(score['used']))}." if score.get("used", "network") not in ("", "network") else ""
    doubt, _, of = words.partition(", ")
    if doubt == "cannot tell":
        told = f" from {of}" if of else ""
        return f"Whether the network is better cannot be told{told}: {numbers}.{used}", words
    luck = " By luck alone such a difference is unlikely." if tested and words == "better" else ""
    return f"The network is {'no better' if words == 'equal' else words}: {numbers}.{luck}{used}", words


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _scores(score: Mapping[str, Any]) -> Markup:
    verdicts = score.get("verdicts", {})
    rows = [[name, value, verdicts.get(name, "")] for name, value in _shown(score).items()]
    head = ["", score["unit"], "network is" if verdicts else ""]
    more = [f"{name} {figure(value)}" for name, value in score.get("figures", {}).items()]
    words = "higher is better" if score["higher_is_better"] else "lower is better"
    about = f"On the {score['split']} split; {words}. {score['detail']}" + "".join(f"; {one}" for one in more)
    chose = element("p", f"{_capital(CHOSE[score['split']])}.", kind="soft") if score["split"] in CHOSE else ""
    return Markup(table(head, rows, numbers=(1,)) + element("p", about, kind="soft") + chose)


def _of_forecasts(page: Page) -> Iterator[Part]:
    """Yield what comes next, what intervals held, and the windows that were forecast worst."""
    if page.stale:
        yield Part(element("p", plain(page.stale, _LINE), kind="soft"), 1, "What comes next", "forecasts")
    shown = page.forecasts[:_FORECASTS]
    for number, chart in enumerate(shown):
        rank, kind = 9 if number else 6, "half" if len(shown) > 1 else ""
        yield Part(picture(partial(forecast.draw, [chart]), kind=kind), rank, "What comes next", "forecasts")
    if len(page.forecasts) > len(shown):
        few = f"The first {len(shown)} of {len(page.forecasts):,} series"
        yield Part(element("p", few, kind="soft"), 6, "What comes next", "forecasts")
    if page.backtest is not None and page.backtest.coverage:
        title = "What intervals promised and held"
        yield Part(_intervals(page.backtest), 2, title, "what intervals promised and held")
    for number, chart in enumerate(page.worst):
        title = "The windows that were forecast worst"
        shown_chart = picture(partial(forecast.draw, [chart]), kind="half" if len(page.worst) > 1 else "")
        yield Part(shown_chart, 8 + number, title, "the windows that were forecast worst")


def _intervals(backtest: BacktestReport) -> Markup:
    widths = figures([one.width for one in backtest.coverage])
    rows = [
        [f"{one.asked:g}%", f"{one.got:.1f}%", f"{one.count:,}", f"{one.first:,} to {one.last:,}", width.strip()]
        for one, width in zip(backtest.coverage, widths, strict=True)
    ]
    shown = table(["promised", "held", "of values", "rows", "mean width"], rows, numbers=(0, 1, 2, 4))
    in_sample = any(one.in_sample for one in backtest.coverage)
    return Markup(shown + (element("p", _IN_SAMPLE, kind="soft") if in_sample else ""))


def _confusions(page: Page) -> Iterator[Part]:
    title = "What is taken for what"
    if (matrix := page.confusion) is not None:
        yield Part(picture(lambda: confusion.draw(matrix)), 7, title, "the confusion matrix")
    found = (page.report["score"] or {}).get("confusions") or []
    if found:
        rows = [
            [shown_label(one["actual"]), shown_label(one["predicted"]), f"{one['count']:,}"]
            for one in found[:_CONFUSIONS]
        ]
        inner = element("p", "The most frequent mistakes:") + table(
            ["actual", "predicted", "how often"], rows, numbers=(2,)
        )
        yield Part(Markup(inner), 5, title, "the most frequent mistakes")


def _wrong(answers: Sequence[WrongAnswer]) -> Markup:
    """Return a table of wrong answers, the worst first."""
    by = answers[0].by
    forms = {PROBABILITY: "{:.1%}".format, DISTANCE: figure, EDITS: "{:,.0f}".format}
    sizes = [forms[by](one.size) for one in answers]
    rows = [
        [one.place.rpartition("/")[2], one.given, _answer(one.actual), _answer(one.predicted), size]
        for one, size in zip(answers, sizes, strict=True)
    ]
    return table(["where", "given", "actual", "predicted", by], rows, numbers=(4,))


def _answer(answer: str | float) -> str:
    return answer if isinstance(answer, str) else figure(answer)


def _passage(text: Surprise) -> Markup:
    """Return the hardest passage of a text, each token on a ground that is the darker the more it surprised."""
    rows: dict[int, list[str]] = {}
    for row, _, token, shade in surprise.passage(text):
        rows.setdefault(row, []).append(element("span", token, kind=f"shade-{round(_SHADES * shade)}").strip())
    between = " " if text.apart else ""
    lines = "\n".join(between.join(tokens) for tokens in rows.values())
    title = element("p", f"{surprise.passage_title(text)}.", kind="soft")
    return Markup(title + element("pre", Markup(lines), kind="passage"))


def _training(page: Page) -> Iterator[Part]:
    """Yield the course of the training, and how far the network's gradient reaches back."""
    report = page.report
    if (curve := page.curve) is not None:
        yield Part(picture(lambda: curves.draw([curve])), 7, "Training", "the curve of the training")
        kept = {"best": "the best on validation", "last": "the last", "cross-validated": "cross-validated"}
        which = f"the weights of update {report['best_step']:,} are kept, {kept.get(report['kept'], report['kept'])}"
        loss = "" if curve.kept is None else f", of loss {curve.kept:.4g}"
        made = f"{amount(report['steps'], 'update')} in {duration(report['seconds'])}; {which}{loss}."
        yield Part(element("p", made, kind="soft"), 3, "Training", "the training")
    if fit := report.get("fit"):
        told = plain(f"{fit['text'].capitalize()}.", _LINE)
        yield Part(element("p", told, kind="soft"), 3, "Training", "how the network fits")
    if (found := page.gradients) is not None:
        title = "How far the gradient reaches back"
        drawn = picture(
            lambda: gradients.draw(found), "The gradient of one step's loss by the steps back, in one batch."
        )
        yield Part(drawn, 8, title, "the gradient by lag")
        reach = reach_rows(found.layers, [{"layer": one.name} for one in found.layers], intervals=False)
        rows = [list(row.values()) for row in reach]
        yield Part(table(list(reach[0]), rows, numbers=(1, 2, 3)), 4, title, "the gradient by lag")


def _config(config: Mapping[str, Any]) -> str:
    """Return the config as it would be written, without what is null."""
    lines = list(_written(config, ""))
    few = [plain(line, _LINE) for line in lines[:_LINES]]
    return "\n".join([*few, *([f"and {len(lines) - _LINES:,} lines more"] if len(lines) > _LINES else [])])


def _written(section: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _written(value, f"{indent}  ")
        elif value is not None and value != []:
            yield f"{indent}{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def _provenance(report: Mapping[str, Any]) -> Markup:
    data = report["data"]
    took = f"{duration(report['seconds'])} on {amount(report['threads'], 'thread')} of {report['cpu']}"
    rows = {
        "data": f"{data['path'] or 'standard input'}, {data['bytes']:,} bytes",
        "data, SHA-256": data["sha256"],
        "model, SHA-256": report["model_sha256"],
        "seed": report["seed"],
        "trained": f"{report['ended']}, {took}",
        "versions": ", ".join(f"{name} {version}" for name, version in report["versions"].items()),
    }
    return table((), [[name, cell(value)] for name, value in rows.items()], kind="facts")
