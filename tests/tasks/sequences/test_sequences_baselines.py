"""The baselines by name, each where it is the strongest."""

import numpy as np
import pytest

from rnncli.tasks.sequences import baselines
from rnncli.tasks.sequences.examples import Columns, Examples
from rnncli.tasks.sequences.label_scores import accuracy, micro_f1

RANDOM = np.random.default_rng(11)


def examples(N, labels=None, **columns):
    numbers = list(range(1, N + 1))
    return Examples("d", Columns("lines"), [str(n) for n in numbers], numbers, labels, **columns)


def texts(made, N):
    both = [made() for _ in range(N)]
    return examples(N, [label for _, label in both], texts=[text for text, _ in both])


def scores(made, kind="word", N=200):
    train, held_out = texts(made, N), texts(made, 100)
    found = baselines.of_labels(train, held_out, sorted(set(train.labels)), kind)
    return {name: accuracy(labels, held_out.labels) for name, labels in found.items()}


def strongest(found):
    return [name for name in found if found[name] == max(found.values())]


def drawn(words, count):
    return [str(word) for word in RANDOM.choice(words, count)]


def of_the_most_frequent():
    return " ".join(drawn(["x", "y"], 3)), "often" if RANDOM.random() < 0.9 else "seldom"


def of_words():
    label = str(RANDOM.choice(["p", "q"]))
    return " ".join(drawn(["a", "b", "c"] if label == "p" else ["b", "c", "d"], 3)), label


def of_pairs():
    """Say "not good" for bad, "not bad" for good, in texts that hold all words alike often."""
    label = str(RANDOM.choice(["good", "bad"]))
    other = {"good": "bad", "bad": "good"}[label]
    return f"{label} {label} not {other} {other} so so", label


def of_one_word():
    """Hide one word that tells among thirty that come together, with the other label more often than others do."""
    label = str(RANDOM.choice(["p", "q"]))
    together = RANDOM.random() < (0.35 if label == "p" else 0.65)
    return " ".join([*map(str, range(30) if together else range(30, 60)), *(["yes"] if label == "p" else [])]), label


def test_the_most_frequent_label():
    found = scores(of_the_most_frequent)
    assert list(found) == ["majority", "naive Bayes", "naive Bayes of pairs", "linear model"]
    assert "majority" in strongest(found)


def test_naive_bayes_and_its_pairs():
    found = scores(of_words)
    assert found["majority"] < 0.65 < 0.8 < found["naive Bayes"]
    found = scores(of_pairs)
    assert found["naive Bayes"] < 0.65
    assert found["naive Bayes of pairs"] == found["linear model"] == 1
    assert list(scores(of_words, "char")) == ["majority", "naive Bayes", "linear model"]


def test_the_linear_model():
    assert strongest(scores(of_one_word)) == ["linear model"]


def test_three_labels_keep_their_names():
    def made():
        label = str(RANDOM.choice(["p", "q", "r"]))
        return f"{label} {' '.join(drawn(['x', 'y'], 2))}", label

    assert strongest(scores(made)) == ["naive Bayes", "naive Bayes of pairs", "linear model"]


def test_several_labels_of_texts_and_numbers():
    sets = [tuple(sorted(set(drawn(["u", "v", "w"], RANDOM.integers(0, 4))))) for _ in range(200)]
    written = [" ".join([*labels, *drawn(["x", "y"], 3)]) for labels in sets]
    train, held_out = (examples(100, sets=sets[half], texts=written[half]) for half in (slice(100), slice(100, 200)))
    found = baselines.of_sets(train, held_out, ["u", "v", "w"], "word")
    got = {name: micro_f1(labels, held_out.sets) for name, labels in found.items()}
    assert list(got) == ["best constant", "naive Bayes", "linear model"]
    assert got["best constant"] < 0.8 < got["linear model"] == 1
    values = [np.array([[float(label in labels) for label in "uvw"]]) for labels in sets]
    train, held_out = (examples(100, sets=sets[half], values=values[half]) for half in (slice(100), slice(100, 200)))
    found = baselines.of_sets(train, held_out, ["u", "v", "w"], "word")
    assert list(found) == ["best constant", "nearest neighbour", "nearest neighbour by DTW", "echo state network"]
    assert micro_f1(found["echo state network"], held_out.sets) > 0.95
    assert micro_f1(found["nearest neighbour by DTW"], held_out.sets) == 1


def test_labels_of_numbers():
    values = [np.full((4, 1), k % 2) + RANDOM.normal(0, 0.1, (4, 1)) for k in range(40)]
    labels = ["no", "yes"] * 20
    train, held_out = (examples(20, labels[:20], values=values[half]) for half in (slice(20), slice(20, 40)))
    found = baselines.of_labels(train, held_out, ["no", "yes"], "word")
    assert list(found) == ["majority", "nearest neighbour", "nearest neighbour by DTW", "echo state network"]
    assert found["nearest neighbour by DTW"] == found["nearest neighbour"] == labels[:20]
    assert found["echo state network"] == labels[:20]


def test_the_echo_state_network_hears_how_noise_is_coloured():
    """Noise in which a step follows the one before, or turns from it: no two series are alike."""

    def made(N):
        labels = [str(RANDOM.choice(["follows", "turns"])) for _ in range(N)]
        series = RANDOM.normal(size=(N, 100, 1))
        for t in range(1, 100):
            series[:, t, 0] += [{"follows": 0.4, "turns": -0.4}[label] for label in labels] * series[:, t - 1, 0]
        return examples(N, labels, values=list(series))

    train, held_out = made(40), made(60)
    found = baselines.of_labels(train, held_out, ["follows", "turns"], "word")
    got = {name: accuracy(labels, held_out.labels) for name, labels in found.items()}
    assert got["nearest neighbour"] < 0.7 < 0.85 < got["echo state network"]


@pytest.mark.parametrize("of", ["texts", "values"])
def test_numbers(of):
    worth = {"one": 1.0, "five": 5.0, "ten": 10.0, "and": 0.0}
    words = [drawn(list(worth), 4) for _ in range(400)]
    given = np.array([sum(worth[word] for word in text) for text in words])
    columns = {"texts": [" ".join(text) for text in words], "values": [np.full((3, 1), x) for x in given]}[of]
    train, held_out = (examples(200, **{of: columns[half]}) for half in (slice(200), slice(200, 400)))
    found = baselines.of_numbers(train, held_out, given[:200], "word")
    rmse = {name: np.sqrt(np.mean((numbers - given[200:]) ** 2)) for name, numbers in found.items()}
    names = (
        ["linear model"] if of == "texts" else ["nearest neighbour", "nearest neighbour by DTW", "echo state network"]
    )
    assert list(rmse) == ["mean", *names]
    assert rmse["mean"] == pytest.approx(given.std(), rel=0.2)
    assert max(rmse[name] for name in names) < rmse["mean"] / 2
