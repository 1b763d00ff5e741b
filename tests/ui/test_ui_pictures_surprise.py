"""The picture of a surprising text: its hardest passage is found, and every token has its place in it."""

from __future__ import annotations

import pytest

from rnncli.tasks.language_model.surprise import Surprise
from rnncli.ui.pictures import surprise


def found(nats: list[float], tokens: str, *, apart: bool = False) -> Surprise:
    return Surprise("test", tuple(tokens), tuple(nats), tuple(1.0 for _ in nats), "5-gram", apart)


def test_the_hardest_passage_begins_where_the_sum_of_a_screenful_is_largest() -> None:
    nats = [1.0] * 2000
    nats[900:1000] = [5.0] * 100
    first = surprise._hardest(found(nats, "a" * 2000))
    assert 900 + 100 - surprise._COLUMNS * surprise._ROWS <= first <= 900
    assert surprise._hardest(found([1.0, 2.0], "ab")) == 0


def test_tokens_fill_the_lines_in_order_and_none_is_cut() -> None:
    text = "abc" * 100
    placed = list(surprise._placed(found([float(i) for i in range(300)], text), 10))
    assert "".join(token for _, _, token, _ in placed) == text[10:]
    assert [nats for *_, nats in placed] == [float(i) for i in range(10, 300)]
    assert all(column + len(token) <= surprise._COLUMNS for _, column, token, _ in placed)
    assert len({(row, column) for row, column, *_ in placed}) == len(placed)


@pytest.mark.plots
def test_a_line_end_and_a_control_character_are_drawn_as_signs() -> None:
    placed = list(surprise._placed(found([1.0, 1.0, 1.0], "a\n\x1b"), 0))
    assert [token for _, _, token, _ in placed] == ["a", "↵", "\\x1b"]
    assert len(surprise.draw(found([1.0, 2.0, 3.0], "a\n\x1b")).axes) == 2
