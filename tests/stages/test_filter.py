"""What the filter keeps and sets aside, on captions files small enough to follow."""

import csv
import hashlib
import json
import pickle

import pytest

from pipeline.errors import InputError
from skyscript.files.pairs_csv import csv_writer
from stages.filter import FilterConfig, filter_csv

HEADER = ["filepath", "title", "title_multi_objects", "similarity_CLIP_openai"]
BOX = ["west", "south", "east", "north"]
TRAIN = "SkyScript_train_top{}pct_filtered_by_CLIP_openai.csv"
TEST = "SkyScript_test_30K_filtered_by_CLIP_openai.csv"
VAL = "SkyScript_val_5K_filtered_by_CLIP_openai.csv"


def write(path, rows, header=HEADER):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def pairs(count, score, title="building", source="US"):
    """Rows whose score is a function of their number."""
    return [
        [
            f"images2/a{number}_{source}_20.jpg",
            f"a satellite image of {title(number) if callable(title) else title}",
            f"a satellite image of {number}, surrounded by trees",
            score(number),
        ]
        for number in range(count)
    ]


def kept(out, percent):
    return [row["filepath"] for row in read(out / TRAIN.format(percent))]


def all_for_training(**options):
    """Nothing is set aside, so that a cut can be followed."""
    return FilterConfig(split="random", test_rows=0, val_rows=0, **options)


def test_exactly_so_many_percent_stay_though_all_scores_are_equal(tmp_path):
    rows = pairs(101, lambda number: 0.25)
    filter_csv(write(tmp_path / "in.csv", rows[::-1]), tmp_path, all_for_training())
    assert [len(kept(tmp_path, percent)) for percent in (20, 30, 50)] == [20, 30, 50]
    best = sorted(row[0] for row in rows)[:20]
    assert sorted(kept(tmp_path, 20)) == best  # of equal scores, the first paths


def test_the_best_stay_in_the_order_of_the_file_with_every_digit_of_their_score(tmp_path):
    rows = pairs(10, lambda number: f"0.{number}00000001")
    filter_csv(write(tmp_path / "in.csv", rows), tmp_path, all_for_training(top=(30,)))
    lines = (tmp_path / TRAIN.format(30)).read_text().splitlines()
    assert lines[0] == ",".join(HEADER)
    assert [line.rsplit(",", 1)[1] for line in lines[1:]] == [row[3] for row in rows[7:]]


def test_a_pair_without_a_score_is_never_kept(tmp_path):
    rows = pairs(10, lambda number: ["", "nan", "inf", "-inf"][number] if number < 4 else 0.1)
    done = filter_csv(write(tmp_path / "in.csv", rows), tmp_path, all_for_training(top=(100,)))
    assert kept(tmp_path, 100) == [row[0] for row in rows[4:]]
    assert done.sides == {"train": 6, "train, without a score": 4}


def test_titles_with_commas_quotes_and_line_ends_come_through_unchanged(tmp_path):
    odd = ['building, "old"', "building\nof two lines", "null", "ünïcode"]
    rows = pairs(4, lambda number: 1, lambda number: odd[number])
    filter_csv(write(tmp_path / "in.csv", rows), tmp_path, all_for_training(top=(100,)))
    titles = [row["title"] for row in read(tmp_path / TRAIN.format(100))]
    assert titles == [f"a satellite image of {title}" for title in odd]


def test_a_file_has_the_bytes_that_the_project_s_own_writer_gives(tmp_path):
    odd = [chr(code) for code in (*range(1, 0x180), 0x2028, 0xFEFF, 0x1F6F0)]
    texts = [f"{a}{b}{c}" for a in ("", "a") for b in odd for c in ("", "a", "\r\n")]
    texts = [text for text in [*texts, '""', "#5, Elm Street", "-", "NULL "] if text.strip()]
    rows = [[f"{n}.jpg", f"title {text}", text, "0.50"] for n, text in enumerate(texts)]
    with csv_writer(tmp_path / "in.csv", HEADER) as write_row:
        for row in rows:
            write_row(row)
    filter_csv(tmp_path / "in.csv", tmp_path / "out", all_for_training(top=(100,)))
    written = (tmp_path / "out" / TRAIN.format(100)).read_bytes()
    assert written == (tmp_path / "in.csv").read_bytes()


def grid(side, each):
    """Tiles of a thousandth of a degree on a grid of 0.1 degree blocks."""
    rows = []
    for x in range(side):
        for y in range(side):
            for number in range(each):
                name = f"images3/n{x}0{y}0{number}_CH_19.jpg"
                west, south = 7 + x / 10 + 0.01 + number / 1000, 47 + y / 10 + 0.05
                box = [west, south, west + 0.001, south + 0.001]
                rows.append(
                    [name, f"a satellite image of {number}", "", (number * 7 % 10) / 10, *box]
                )
    return rows


def test_whole_blocks_are_set_aside_before_the_cut(tmp_path):
    rows = grid(8, 20)
    source = write(tmp_path / "in.csv", rows, HEADER + BOX)
    done = filter_csv(source, tmp_path, FilterConfig(top=(50,)))
    block = {row[0]: (int(row[4] * 10), int(row[5] * 10)) for row in rows}
    sides = [
        {block[row["filepath"]] for row in read(tmp_path / name)}
        for name in (TEST, VAL, TRAIN.format(50))
    ]
    assert all(sides)
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert done.sides == {"test": 120, "train": 1040, "val": 120}  # a tenth each, in blocks of 20
    assert [file.rows for file in done.files] == [520, 36, 36]  # the best 30 % of what is set aside


def test_a_tile_over_the_edge_of_a_block_set_aside_is_on_no_side(tmp_path):
    rows = grid(8, 20)
    for row in rows:
        if row[0].endswith("19_CH_19.jpg"):
            row[6] = row[4] + 0.1  # reaches into the next block to the east
    source = write(tmp_path / "in.csv", rows, HEADER + BOX)
    config = FilterConfig(top=(100,), held_out_top=100)
    done = filter_csv(source, tmp_path, config)
    assert done.sides["reaches over the edge of a block set aside"] > 10
    boxes = {row[0]: row[4:] for row in rows}
    aside = {
        (int(boxes[row["filepath"]][0] * 10), int(boxes[row["filepath"]][1] * 10))
        for name in (TEST, VAL)
        for row in read(tmp_path / name)
    }
    for path in kept(tmp_path, 100):
        west, south, east, _ = boxes[path]
        touched = {(x, int(south * 10)) for x in range(int(west * 10), int(east * 10) + 1)}
        assert not touched & aside


def test_positions_come_from_the_meta_pickles(tmp_path):
    rows = grid(8, 2)
    for row in rows:
        path = tmp_path / row[0].replace("images", "meta").replace(".jpg", ".pickle")
        path.parent.mkdir(exist_ok=True)
        meta = {"box": tuple(row[4:]), "time": (2019, 7, 1, 10, 30)}
        path.write_bytes(pickle.dumps(meta | {"center_tags": {}, "surrounding_tags": []}))
    alone = write(tmp_path / "alone.csv", [row[:4] for row in rows])
    with pytest.raises(InputError, match=r"alone.csv: 128 pairs have no position.*--meta"):
        filter_csv(alone, tmp_path, FilterConfig())
    given = filter_csv(alone, tmp_path / "given", FilterConfig(), metas=tmp_path)
    source = write(tmp_path / "in.csv", rows, HEADER + BOX)
    assert given == filter_csv(source, tmp_path / "columns", FilterConfig())


def test_random_sets_objects_aside_with_all_their_images(tmp_path):
    rows = [
        [f"images2/a{number // 4}_{source}_20.jpg", f"a satellite image of {number}", "", 0.5]
        for number, source in enumerate(["US", "S2", "P3", "P5"] * 100)
    ]
    source = write(tmp_path / "in.csv", rows)
    config = FilterConfig(split="random", top=(100,), held_out_top=100)
    done = filter_csv(source, tmp_path, config)
    assert done.sides == {"test": 40, "train": 320, "val": 40}
    objects = [
        {row["filepath"].split("_")[0] for row in read(tmp_path / name)}
        for name in (TEST, VAL, TRAIN.format(100))
    ]
    assert len(objects[0] | objects[1] | objects[2]) == sum(len(side) for side in objects) == 100


@pytest.mark.parametrize(("bits", "on_both_sides"), [(0, False), (0b111, False), (0b1111, True)])
def test_training_loses_what_nearly_looks_like_what_is_set_aside(tmp_path, bits, on_both_sides):
    rows = [
        [*row, hashlib.sha256(b"%d" % number).hexdigest()[:16]]
        for number, row in enumerate(pairs(200, lambda number: 0.5))
    ]
    config = FilterConfig(split="random", top=(100,), held_out_top=100)
    first = write(tmp_path / "first.csv", rows, [*HEADER, "image_hash"])
    filter_csv(first, tmp_path / "first", config)
    aside = read(tmp_path / "first" / TEST)[0]["filepath"]
    twin = kept(tmp_path / "first", 100)[0]
    looks = int(next(row[4] for row in rows if row[0] == aside), 16) ^ bits
    next(row for row in rows if row[0] == twin)[4] = f"{looks:016x}"
    second = write(tmp_path / "second.csv", rows, [*HEADER, "image_hash"])
    filter_csv(second, tmp_path / "second", config)
    assert (twin in kept(tmp_path / "second", 100)) == on_both_sides


def test_training_loses_images_whose_bytes_are_set_aside(tmp_path):
    rows = [[*row, f"{number % 100:032x}"] for number, row in enumerate(pairs(200, lambda n: 0.5))]
    source = write(tmp_path / "in.csv", rows, [*HEADER, "content_hash"])
    config = FilterConfig(split="random", top=(100,), held_out_top=100)
    done = filter_csv(source, tmp_path, config)
    contents = {row[0]: row[4] for row in rows}
    aside = {contents[row["filepath"]] for row in read(tmp_path / TEST)}
    assert done.sides["its image is set aside"] > 20
    assert not aside & {contents[path] for path in kept(tmp_path, 100)}


def test_each_source_keeps_its_percent_and_the_sum_is_exact(tmp_path):
    rows = pairs(33, lambda number: 0.9 + number / 1000, source="CH")
    rows += pairs(66, lambda number: 0.1 + number / 1000, source="L8")
    source = write(tmp_path / "in.csv", rows)
    filter_csv(source, tmp_path / "all", all_for_training(top=(30,)))
    assert all("_CH_" in path for path in kept(tmp_path / "all", 30))
    done = filter_csv(source, tmp_path / "each", all_for_training(top=(30,), within="source"))
    assert done.files[0].by_source == {"CH": 10, "L8": 19}
    assert done.files[0].rows == 29 == 99 * 30 // 100


def test_a_rare_tag_keeps_its_best_pairs(tmp_path):
    rows = pairs(95, lambda number: 0.5 + number / 1000, "natural tree")
    rare = [
        [
            f"images2/n{number}_US_20.jpg",
            "a satellite image of natural tree, denotation of landmark",
            "",
            number / 1000,
        ]
        for number in range(5)
    ]
    source = write(tmp_path / "in.csv", rows + rare)
    plain = filter_csv(source, tmp_path / "plain", all_for_training(top=(20,)))
    assert plain.files[0].tags == 1
    balanced = filter_csv(source, tmp_path / "quota", all_for_training(top=(20,), min_per_tag=3))
    assert balanced.files[0].tags == 2
    assert balanced.files[0].rows == 20
    assert balanced.files[0].like_plain == 17 / 20
    found = [path for path in kept(tmp_path / "quota", 20) if "/n" in path]
    assert found == [f"images2/n{number}_US_20.jpg" for number in (2, 3, 4)]  # its best three


def test_one_caption_keeps_at_most_so_many_images(tmp_path):
    rows = pairs(100, lambda number: number / 100, lambda number: "tree" if number > 20 else "pole")
    source = write(tmp_path / "in.csv", rows)
    done = filter_csv(source, tmp_path, all_for_training(top=(50,), max_per_caption=5))
    assert done.files[0].rows == 10  # five trees, five poles: fewer than half
    assert kept(tmp_path, 50) == [row[0] for row in rows[16:21] + rows[95:]]


def test_two_scorers_are_joined_by_rank(tmp_path):
    scores = {"x": (0.9, 1), "y": (0.8, 50), "z": (0.1, 99), "w": (0.0, 40)}
    rows = [[f"images2/{n}.jpg", f"a satellite image of {n}", *s] for n, s in scores.items()]
    source = write(tmp_path / "in.csv", rows, ["filepath", "title", "similarity_A", "similarity_B"])
    for combine, best in (("rank_average", "y"), ("agreement", "y")):
        config = all_for_training(
            by=("similarity_A", "similarity_B"), combine=combine, top=(25,), name=combine
        )
        filter_csv(source, tmp_path, config)
        (row,) = read(tmp_path / f"SkyScript_train_top25pct_filtered_by_{combine}.csv")
        assert row["filepath"] == f"images2/{best}.jpg"


def test_the_same_config_gives_the_same_bytes_and_leaves_nothing_behind(tmp_path):
    source = write(tmp_path / "in.csv", grid(8, 20), HEADER + BOX)
    for name in ("one", "two"):
        filter_csv(source, tmp_path / name, FilterConfig(min_per_tag=2, within="source"))
    files = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("one", "two")
    ]
    assert files[0] == files[1]
    assert set(files[0]) == {
        TEST,
        VAL,
        *(TRAIN.format(percent) for percent in (20, 30, 50)),
        "filter_dropped.csv",
        "filter_report.json",
    }
    report = json.loads(files[0]["filter_report.json"])
    assert report["files"][0]["rows"] == report["pairs"]["train"] * 20 // 100


def test_an_image_of_another_name_is_an_object_of_its_own(tmp_path):
    """``cabin12_CH_19.jpg`` is not an image of the node n12, and may lie on another side."""
    import duckdb

    from stages.filter.input_table import load_csv, make_pairs
    from stages.filter.job import prepare

    paths = ["images2/n12_CH_19.jpg", "cabin12_CH_19.jpg", "photos/n12_CH_2019.jpg"]
    source = write(tmp_path / "in.csv", [[path, "a", "", "0.5"] for path in paths])
    with duckdb.connect() as connection:
        prepare(connection)
        make_pairs(connection, load_csv(connection, source), FilterConfig())
        found = connection.execute("SELECT object_id, source FROM pairs ORDER BY row").fetchall()
    assert found == [("n12", "CH"), (paths[1], ""), (paths[2], "")]
