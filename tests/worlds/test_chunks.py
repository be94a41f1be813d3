"""Pieces of one length, or of two: same result for any batch size, no other shapes."""

import pytest
import torch

from course_lib.worlds.chunks import in_chunks


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_all_rows_come_back_in_order_and_pieces_have_one_length(count):
    lengths = []

    def double(rows, shift):
        lengths.append(len(rows))
        return 2 * rows + shift, rows[:, 0]

    rows, shift = torch.arange(2.0 * count).reshape(count, 2), torch.ones(count, 1)
    doubled, first = in_chunks(double, rows, shift, cpu=4, cuda=9)
    assert doubled.equal(2 * rows + 1)
    assert first.equal(rows[:, 0])
    assert lengths == [4] * -(-count // 4)
    assert in_chunks(torch.neg, rows, cpu=4, cuda=9).equal(-rows)


@pytest.mark.parametrize(("count", "expected"), [(1, [1]), (3, [1, 1, 1]), (4, [4]), (9, [4, 4, 1])])
def test_what_is_left_over_may_come_row_by_row(count, expected):
    lengths = []

    def negative(rows):
        lengths.append(len(rows))
        return -rows

    rows = torch.arange(2.0 * count).reshape(count, 2)
    assert in_chunks(negative, rows, cpu=4, cuda=9, fill=False).equal(-rows)
    assert lengths == expected


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match="n = 0"):
        in_chunks(torch.neg, torch.zeros(0, 2), cpu=4, cuda=9)
