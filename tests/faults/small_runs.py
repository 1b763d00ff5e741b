"""Kinds of run that train in a tenth of a second: each task once, several networks, watched gradients, and one that
starts from another."""

from __future__ import annotations

import math
from pathlib import Path

FROM = "from another"
THREE = "training: {epochs: 3, batch_size: 8, threads: 1"
SMALL = "model: {cell: gru, hidden_size: 4, num_layers: 1, dropout: 0.2}"

TEXT = "".join(f"The {('fox', 'hen', 'crow')[i % 3]} saw the {('well', 'barn')[(i * i) % 2]}.\n" for i in range(40))
SERIES = "month,sales\n" + "".join(
    f"{2001 + i // 12}-{i % 12 + 1:02d},{50 + 20 * math.sin(i * math.tau / 12) + i / 4 + (i * 7 % 5):.2f}\n"
    for i in range(72)
)
LABELLED = "text,label\n" + "".join(f"{'ab' * (i % 4)}{'c' * (i % 3)}d,{'xy'[i % 4 > 1]}\n" for i in range(48))
MEASURED = "text,label\n" + "".join(f"{'ab' * (i % 4)}{'c' * (i % 3)}d,{i % 4 + i % 3 / 2:.1f}\n" for i in range(48))
TAGGED = "".join(f"Ann B-who\n{('sings', 'asks')[i % 2]} O\n{('Lee', 'Ida', 'Bo')[i % 3]} B-who\n\n" for i in range(24))
PAIRS = "source\ttarget\n" + "".join(f"{'abc'[i % 3]} {'de'[i % 2]}\t{'de'[i % 2]} {'abc'[i % 3]}\n" for i in range(36))
CAPTIONS = "key,start,melody\n" + "".join(
    f"{'CDE'[i % 3]},{i % 5},{' '.join('abcde'[(i + k) % 5] for k in range(3))}\n" for i in range(40)
)
STEPS = "id,x,y,text\n" + "".join(
    f"{i},{math.sin(t / 2) + (t // 4 == i % 2):.2f},{t % 4 == i % 3:d},{('ab', 'ba', 'b')[i % 3]}\n"
    for i in range(36)
    for t in range(8 + i % 3)
)

_LANGUAGE = f"task: language-model\ndata: {{path: text.txt, validation: 0.2}}\n{SMALL}\n{THREE}, bptt: 16}}\n"
_LABELS = f"task: classify\ndata: {{path: labels.csv, validation: 0.25}}\n{SMALL}\n"
DATA = {
    "text.txt": TEXT,
    "series.csv": SERIES,
    "labels.csv": LABELLED,
    "numbers.csv": MEASURED,
    "tags.conll": TAGGED,
    "pairs.tsv": PAIRS,
    "captions.csv": CAPTIONS,
    "steps.csv": STEPS,
}
CONFIGS = {
    "language-model": _LANGUAGE,
    "forecast": "task: forecast\ndata: {path: series.csv, horizon: 3, context: 12, validation: 0.2}\n"
    f"{SMALL}\n{THREE}, fallback: false}}\n",
    "classify": f"{_LABELS}{THREE}}}\n",
    "regress": f"task: regress\ndata: {{path: numbers.csv, validation: 0.25}}\n{SMALL}\n{THREE}}}\n",
    "tag": f"task: tag\ndata: {{path: tags.conll, validation: 0.25}}\n{SMALL}\n{THREE}}}\n",
    "seq2seq": f"task: seq2seq\ndata: {{path: pairs.tsv, validation: 0.2, tokens: word}}\n{SMALL}\n{THREE}}}\n",
    "caption": "task: caption\ndata: {path: captions.csv, target: melody, tokens: word, validation: 0.2}\n"
    f"{SMALL}\n{THREE}}}\n",
    "transcribe": f"task: transcribe\ndata: {{path: steps.csv, validation: 0.25}}\n{SMALL}\n{THREE}}}\n",
    "several networks": f"{_LABELS}{THREE}, seeds: 2}}\n",
    "watch-grads": _LANGUAGE,
}


def write(folder: Path) -> None:
    """Write the data, and a config `KIND.yaml` for each kind."""
    for name, content in (*DATA.items(), *((f"{kind}.yaml", text) for kind, text in CONFIGS.items())):
        (folder / name).write_text(content, encoding="utf-8")


KINDS = (*CONFIGS, FROM)


def command(kind: str, out: str, *more: str) -> list[str]:
    """The arguments of `rnncli` that train this kind into `out`; FROM starts from a run that is called as its kind."""
    first = [f"{kind}.yaml"] if kind != FROM else [] if "--resume" in more else ["--from", "language-model"]
    return ["train", *first, "-o", out, "-q", *(["--watch-grads"] if kind == "watch-grads" else []), *more]
