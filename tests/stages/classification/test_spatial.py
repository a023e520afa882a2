"""Boxes and blocks, against plain arithmetic."""

import numpy as np

from stages.classification.spatial import find_blocks, find_overlaps, match_blocks, name_block


def test_a_block_is_named_by_its_corner_west_and_south_of_zero_too() -> None:
    boxes = np.array([[-0.25, -0.05, -0.21, -0.01], [12.31, 47.02, 12.33, 47.04]])
    assert [name_block(b) for b in find_blocks(boxes, 0.1).tolist()] == ["-3/-1", "123/470"]


def test_a_box_over_the_edge_touches_two_blocks_and_lies_whole_only_in_both() -> None:
    boxes = np.array([[0.05, 0.05, 0.06, 0.06], [0.09, 0.05, 0.11, 0.06], [0.15, 0.0, 0.16, 0.01]])
    left, right = find_blocks(boxes[[0, 2]], 0.1)
    some, whole = match_blocks(boxes, 0.1, np.array([left]))
    assert some.tolist() == [True, True, False]
    assert whole.tolist() == [True, False, False]
    assert match_blocks(boxes, 0.1, np.array([left, right]))[1].all()


def test_shared_ground_is_found_as_by_comparing_all_pairs() -> None:
    random = np.random.default_rng(0)
    corners = random.uniform(-2, 2, (300, 2))
    boxes = np.hstack([corners, corners + random.uniform(0.01, 0.7, (300, 2))])
    these, others = np.arange(0, 200), np.arange(200, 300)
    plain = [
        i
        for i in these
        if any(
            boxes[i, 0] <= boxes[j, 2]
            and boxes[j, 0] <= boxes[i, 2]
            and boxes[i, 1] <= boxes[j, 3]
            and boxes[j, 1] <= boxes[i, 3]
            for j in others
        )
    ]
    assert find_overlaps(boxes, these, others).tolist() == plain
