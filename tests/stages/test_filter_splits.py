"""How many pairs are set aside, where, and that no place of the Earth is on two sides."""

import numpy as np
import pytest

from stages.filter import FilterConfig, filter_csv
from tests.stages.test_filter import BOX, HEADER, TEST, TRAIN, VAL, read, write


def tiles(count, place, size=0.004, seed=0):
    """Give pairs at random places; ``place`` gives longitude and latitude for each draw."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        west, south = place(*draw.uniform(0, 1, 2))
        box = [f"{side:.6f}" for side in (west, south, west + size, south + size)]
        score = f"{draw.uniform():.5f}"
        rows.append(
            [f"images2/a{number}_US_20.jpg", f"a satellite image of {number}", "", score, *box]
        )
    return rows


def boxes_of(rows, name):
    boxes = {row[0]: [float(side) for side in row[4:]] for row in rows}
    return np.array([boxes[row["filepath"]] for row in read(name)])


def overlapping(one, other):
    """Count the boxes that overlap one of the others, round the Earth."""
    found = np.zeros(len(one), bool)
    for turn in (-360, 0, 360):
        found |= (
            (one[:, None, 0] + turn < other[None, :, 2])
            & (one[:, None, 2] + turn > other[None, :, 0])
            & (one[:, None, 1] < other[None, :, 3])
            & (one[:, None, 3] > other[None, :, 1])
        ).any(1)
    return int(found.sum())


def split(tmp_path, rows, **options):
    source = write(tmp_path / "in.csv", rows, HEADER + BOX)
    config = FilterConfig(top=(100,), **options)
    done = filter_csv(source, tmp_path / "out", config)
    files = {file.file: file.rows for file in done.files}
    names = [
        next(name for name in files if f"_{side}_" in name) for side in ("test", "val", "train")
    ]
    boxes = [boxes_of(rows, tmp_path / "out" / name) for name in names]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not overlapping(boxes[one], boxes[other])
    return done, [files[name] for name in names]


@pytest.mark.slow
def test_what_edges_take_away_is_made_up_while_pairs_abound(tmp_path):
    rows = tiles(20_000, lambda x, y: (7 + 3 * x, 45 + 3 * y), size=0.01)
    done, counts = split(tmp_path, rows, test_rows=300, val_rows=50)
    assert counts[:2] == [300, 50]
    assert done.sides["reaches over the edge of a block set aside"] > 100
    assert 1000 <= done.sides["test"] < 1100  # the best 30 % of these are 300
    assert 167 <= done.sides["val"] < 200
    assert done.notes == []


@pytest.mark.slow
def test_what_test_images_take_from_validation_is_made_up(tmp_path):
    rows = tiles(6000, lambda x, y: (7 + 3 * x, 45 + 3 * y))
    for number, row in enumerate(rows):
        row[0] = f"images2/a{number // 3}_US_{number % 3 + 10}.jpg"  # three places an object
    _, counts = split(tmp_path, rows, test_rows=90, val_rows=60)
    assert counts[:2] == [90, 60]


def test_in_a_small_region_blocks_are_smaller_and_no_file_is_empty(tmp_path):
    rows = tiles(400, lambda x, y: (7.01 + 0.08 * x, 47.01 + 0.08 * y), size=0.001)
    done, counts = split(tmp_path, rows)
    assert counts[0] >= 6  # the best 30 % of at least half of 40
    assert counts[1] >= 6
    assert counts[2] > 250
    assert done.notes[0].startswith("blocks are 0.0")
    assert "degrees wide instead of 0.1" in done.notes[0]
    assert done.notes[1] == (
        f"{TEST} holds {counts[0]} of the 30,000 rows asked for: they are the best 30 % of what is "
        "set aside, which is at most 10% of all pairs (filter.max_held_out)"
    )
    assert done.notes[2].startswith(f"{VAL} holds {counts[1]} of the 5,000 rows")
    assert done.lines()[-3:] == done.notes


@pytest.mark.slow
def test_boxes_across_the_180th_meridian_are_held_out_rightly(tmp_path):
    """Longitudes go from -180.3 to 180.3: two names for the same places."""
    rows = tiles(4000, lambda x, y: ((x * 0.6 + 359.7) % 360 - 180, -20 + 10 * y))
    for number, row in enumerate(rows[:2000]):
        turn = 360 if float(row[4]) < 0 else -360
        box = [f"{float(row[at]) + turn * (at in {4, 6}):.6f}" for at in range(4, 8)]
        rows.append([f"images2/b{number}_US_20.jpg", *row[1:4], *box])
    across = [
        [f"images2/c{n}_US_20.jpg", "a sea", "", "0.5", 179.998, n / 100, 180.002, n / 100 + 0.004]
        for n in range(900)
    ]
    done, _ = split(tmp_path, rows + across)
    assert done.sides["test"] > 300
    # The same as GeoJSON writes a box across the meridian: its east is below its west.
    across = [[*row[:6], -179.998, row[7]] for row in across]
    source = write(tmp_path / "as_geojson.csv", rows + across, HEADER + BOX)
    assert filter_csv(source, tmp_path / "same", FilterConfig(top=(100,))) == done
    written = [(tmp_path / out / TRAIN.format(100)).read_bytes() for out in ("out", "same")]
    assert written[0] == written[1]
