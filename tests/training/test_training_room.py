"""Room for batches: usual ones stay whole, a sequence that is far longer is alone, and little is kept."""

import numpy as np
import pytest

from rnncli.training.batches import by_length
from rnncli.training.room import Room, drawn, for_answers

OUTLIER = [60_000, *[9] * 199]


def runs(room, lengths):
    return [piece.tolist() for piece in room.pieces(np.arange(len(lengths)), lengths)]


def test_a_batch_of_usual_lengths_is_whole():
    lengths = [40, *[10] * 99]
    assert runs(Room.of(lengths, 32), lengths[:32]) == [list(range(32))]
    assert [len(batch) for batch in by_length(lengths, 32, Room.of(lengths, 32))] == [32, 32, 32, 4]


def test_a_sequence_far_beyond_the_usual_length_is_alone():
    room = Room.of(OUTLIER, 32)
    assert (room.usual.tolist(), room.most.tolist()) == ([32 * 36], [60_000])
    assert runs(room, OUTLIER[:32]) == [[0], list(range(1, 32))]
    assert room.together(room.longest) == 1


def test_pieces_are_as_long_as_there_is_room():
    """Room for 100: one of 200 alone, then 60 alone with none of 50, 2 of 50, and the others."""
    room = Room(np.array([200]), np.array([100]))
    room.most = np.array([100])
    assert runs(room, [200, 60, 50, 50, 9, 8]) == [[0], [1], [2, 3], [4, 5]]


def test_of_pairs_source_and_target_have_room():
    room = Room(np.array([10, 10]), np.array([10, 10]))
    assert runs(room, [(3, 1), (3, 5), (3, 5), (3, 1), (2, 1)]) == [[0, 1], [2, 3], [4]]


def test_workspaces_are_kept_within_bounds():
    """An ordinary one serves all shorter batches; the outlier's makes room for itself, and goes again."""
    room, made = Room.of(OUTLIER, 32), []

    def of(n, length):
        return room.workspace(n, "train", [length] * n, lambda T: made.append((n, T)) or (n, T))

    assert (of(32, 9), of(32, 5), of(7, 9)) == ((32, 36), (32, 36), (7, 164))
    assert made == [(32, 36), (7, 164)]
    of(1, 60_000)
    assert made[2:] == [(1, 60_000)]
    assert of(32, 9) == (32, 36)
    assert made[3:] == [(32, 36)]
    assert of(32, 37) == (32, 37)


def test_many_long_sequences_are_answered_few_at_once():
    lengths = [10_000] * 32
    assert [len(batch) for batch in by_length(lengths, 32, for_answers(lengths, 32))] == [3] * 10 + [2]
    assert by_length([], 32, for_answers([], 32)) == []


@pytest.mark.parametrize("update", [0, 5])
def test_the_first_piece_draws_as_a_whole_batch_does(update):
    first, *others = drawn(update, 3)
    assert first == update
    assert len({first, *others}) == 3
    assert min(others) > 10**9
