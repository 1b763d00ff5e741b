"""Changes of endings by hand, by features, and of beginnings; which part of a prompt is the word."""

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from test_seq2seq_scores import prepared, scored

from rnncli.tasks.seq2seq.endings import Endings, Rules

PAST = [("walk", "walked"), ("talk", "talked"), ("cry", "cried"), ("try", "tried"), ("play", "played"), ("cut", "cut")]
ING = [("walk", "walking"), ("cry", "crying"), ("make", "making"), ("bake", "baking"), ("cut", "cutting")]


def rules():
    both = [*((*pair, "PST") for pair in PAST), *((*pair, "PRS") for pair in ING)]
    return Rules.of([(word, features) for word, _, features in both], [target for _, target, _ in both])


@pytest.mark.parametrize(
    ("word", "features", "answer"),
    [
        ("stalk", "PST", "stalked"),  # as walk and talk
        ("fry", "PST", "fried"),  # of -ry three letters are known
        ("stray", "PST", "strayed"),  # -ay, longer than -y
        ("rut", "PST", "rut"),
        ("rut", "PRS", "rutting"),
        ("take", "PRS", "taking"),
        ("go", "PST", "goed"),  # the most frequent change of no letter: ed thrice
        ("stalk", "new", "stalked"),  # of all features: ed twice, ing once
        ("", "PST", "ed"),
    ],
)
def test_the_longest_known_ending_is_changed_as_most_often(word, features, answer):
    assert rules().answer(word, features) == answer


def test_a_longest_ending_is_found_as_by_trying_all():
    made = rules()
    for word in ("cry", "dry", "baking", "xyz", "lk"):
        changes = {}
        for verb, target in PAST:
            shared = next(n for n in range(len(verb), -1, -1) if target[:n] == verb[:n])
            for start in range(shared + 1):
                changes.setdefault(verb[start:], Counter())[target[start:]] += 1
        start = next(k for k in range(len(word) + 1) if word[k:] in changes)
        best = min(changes[word[start:]].items(), key=lambda one: (-one[1], one[0]))[0]
        assert made.answer(word, "PST") == word[:start] + best


def test_endings_that_a_shorter_one_changes_alike_are_left_out():
    made = Rules.of([(word, ()) for word, _ in PAST], [target for _, target in PAST])
    assert made.endings[()] == {"": "ed", "y": "ied", "ay": "ayed", "t": "t"}


def test_rules_survive_a_model_file():
    pairs = [(("sagen", "V;PST"), "gesagt"), (("sehen", "V;PRS"), "sieht"), (("machen", "V;PST"), "gemacht")]
    prompts, targets = [prompt for prompt, _ in pairs] * 3, [target for _, target in pairs] * 3
    asked = [("klagen", "V;PST"), ("flehen", "V;PRS"), ("klagen", "new"), ("", "V;PST")]
    made = Endings.of(prompts, targets)
    again = Endings.from_header(json.loads(json.dumps(made.to_header())))
    assert made.answers(asked)[:2] == ["geklagt", "fleht"]
    assert again.answers(asked) == made.answers(asked)
    assert again.to_header() == made.to_header()


def test_beginnings_change_too():
    pairs = [("machen", "gemacht"), ("sagen", "gesagt"), ("fragen", "gefragt")]
    made = Rules.of([(word, ()) for word, _ in pairs], [target for _, target in pairs])
    assert made.answer("klagen", ()) == "geklagt"
    un = Rules.of([("undo", ()), ("unlock", ())], ["redo", "relock"])
    assert un.answer("unpack", ()) == "repack"
    assert un.answer("pack", ()) == "pack"  # which does not begin so


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_word_is_found_among_its_features(place):
    verbs = [f"{a}{b}" for a in ("wal", "tri", "bun", "spo", "mer") for b in ("k", "p", "t", "l")]
    pairs = [(verb, verb + {"PST": "ed", "PRS": "ing"}[of], of) for verb in verbs for of in ("PST", "PRS")]
    view = [lambda word, of: (word, of), lambda word, of: (f"{word} {of}",), lambda word, of: (f"{of} {word}",)][place]
    prompts, targets = [view(word, of) for word, _, of in pairs], [target for _, target, _ in pairs]
    asked = [view("jump", "PST"), view("jump", "PRS")]
    assert Endings.of(prompts, targets).answers(asked) == ["jumped", "jumping"]


def test_it_stands_beside_the_others_where_words_are_written(monkeypatch):
    words = "".join(f"{a}{b}{c}\t{a}{b}{c}ed\n" for a in "pqrst" for b in "aeiou" for c in "kt")
    score = scored(words, "char", monkeypatch)
    assert dict(score.baselines) == {"copy": 0, "most frequent": 0, "change of ending": 1}
    assert "change of ending" not in dict(scored(words, "word", monkeypatch).baselines)
    long = "".join(f"{'abc' * 20}{i}\t{'abd' * 20}{i}\n" for i in range(10))
    assert "change of ending" not in dict(scored(long, "char", monkeypatch).baselines)
    assert prepared(long, "char")[0].score() is not None


@pytest.mark.parametrize(("pairs", "published"), [(10_000, 0.950), (1_000, 0.906), (100, 0.825)])
def test_english_inflection(pairs, published):
    """On the development split."""
    folder = Path(os.environ.get("RNNCLI_DATA", "."))
    if not (folder / "inflection_english_train.tsv").exists():
        pytest.skip("needs inflection_english_train.tsv in the folder $RNNCLI_DATA")
    train, asked = (
        [line.split("\t") for line in (folder / f"inflection_english_{of}.tsv").read_text().splitlines()]
        for of in ("train", "dev")
    )
    views = [[(lemma, features) for lemma, _, features in rows] for rows in (train[:pairs], asked)]
    found = Endings.of(views[0], [target for _, target, _ in train[:pairs]]).answers(views[1])
    assert np.mean([a == target for a, (_, target, _) in zip(found, asked, strict=True)]) == pytest.approx(published)
