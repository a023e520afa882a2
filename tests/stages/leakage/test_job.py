"""What `leakage` writes about a run, a benchmark and the run's own splits."""

import csv
import json

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipeline.atomic import content_id
from pipeline.errors import InputError
from stages import tables
from stages.filter import FilterConfig, filter_csv
from stages.leakage import Benchmark, LeakageConfig, leakage
from tests.stages.leakage.villages import COPIES, jpeg, village


def run_of(root, images):
    """Make a run's folder and its table ``images``: one far from the other."""
    rows = [{"object_id": "n0", "status": "filtered", "reason": "no image"}]
    for number, data in enumerate(images):
        path = f"images2/a{number}_SIM_24.jpg"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
        box = {"west": number, "south": 0.0, "east": number + 0.001, "north": 0.001}
        rows.append({"object_id": f"a{number}", "filepath": path, "status": "ok", **box})
        rows[-1]["content_hash"] = content_id(data)
    return ds.dataset(pa.Table.from_pylist(rows, schema=tables.IMAGES.schema))


def find(tmp_path, images, benchmarks=(), run=None, **options):
    given = [Benchmark(path.name, path) for path in benchmarks]
    done = leakage(
        run or tmp_path / "run", images, given, tmp_path / "out", LeakageConfig(**options),
        lambda event: None,
    )  # fmt: skip
    return done, pq.read_table(tmp_path / "out" / "leakage.parquet").to_pylist()


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def world(tmp_path):
    """Four images of a run; the benchmark shows the first two, one place, and something else."""
    ours = [jpeg(village(number), 90) for number in range(4)]
    images = run_of(tmp_path / "run", ours)
    bench = tmp_path / "bench"
    bench.mkdir()
    (bench / "same.jpg").write_bytes(ours[0])
    crop = COPIES["cropped to 50 %"](village(1), np.random.default_rng(0))
    (bench / "crop.jpg").write_bytes(crop)
    (bench / "else.jpg").write_bytes(jpeg(village(50)))
    (bench / "places.csv").write_text("filepath,lon,lat\nelse.jpg,2.0005,0.0005\n")
    return images, bench


def test_pairs_of_each_kind_are_listed_and_counted(tmp_path, world):
    images, bench = world
    done, pairs = find(tmp_path, images, [bench])
    assert [(one["ours"], one["theirs"], one["kind"]) for one in pairs] == [
        ("images2/a1_SIM_24.jpg", "crop.jpg", "near"),
        ("images2/a2_SIM_24.jpg", "else.jpg", "place"),
        ("images2/a0_SIM_24.jpg", "same.jpg", "bytes"),
    ]
    figures = json.loads((tmp_path / "out" / "leakage.json").read_text())
    assert figures["images"] == 4
    assert figures["benchmarks"]["bench"]["leaked"] == 3
    assert figures["benchmarks"]["bench"]["with_a_place"] == 1
    assert figures["benchmarks"]["bench"]["pairs"]["near"] == {"pairs": 1, "ours": 1, "theirs": 1}
    assert figures["left_out"] == 3
    assert any("3 leaked (100.00%)" in line for line in done.lines())
    assert not list((tmp_path / "out").glob(".tmp*"))


def test_the_list_leaves_only_the_kinds_out_that_are_asked_for(tmp_path, world):
    images, bench = world
    find(tmp_path, images, [bench], leave_out=("bytes",))
    rows = rows_of(tmp_path / "out" / "leave_out.csv")
    assert [(row["filepath"], row["theirs"], row["kinds"]) for row in rows] == [
        ("images2/a0_SIM_24.jpg", "same.jpg", "bytes")
    ]


def test_the_filter_takes_the_list(tmp_path, world):
    images, bench = world
    find(tmp_path, images, [bench])
    lines = [f"images2/a{n}_SIM_24.jpg,a satellite image of {n},0.{n + 1}" for n in range(4)]
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("\n".join(["filepath,title,similarity_tiny", *lines, ""]))
    config = FilterConfig(
        split="random", test_rows=0, val_rows=0, top=(100,),
        leave_out=(tmp_path / "out" / "leave_out.csv",),
    )  # fmt: skip
    done = filter_csv(pairs, tmp_path / "filtered", config)
    assert done.sides["a list of images to leave out names its image"] == 3
    name = "SkyScript_train_top100pct_filtered_by_tiny.csv"
    (kept,) = rows_of(tmp_path / "filtered" / name)
    assert kept["filepath"] == "images2/a3_SIM_24.jpg"


def test_a_list_of_other_images_is_refused_by_the_filter(tmp_path):
    pairs, other = tmp_path / "pairs.csv", tmp_path / "other.csv"
    pairs.write_text("filepath,title,similarity_tiny\na.jpg,a house,0.5\n")
    other.write_text("filepath\nb.jpg\n")
    config = FilterConfig(split="random", test_rows=0, val_rows=0, leave_out=(other,))
    with pytest.raises(InputError, match=r"other.csv: none of its 1 images is in .*pairs.csv"):
        filter_csv(pairs, tmp_path / "filtered", config)


def test_training_images_are_compared_with_those_set_aside(tmp_path):
    twin = COPIES["mirrored"](village(0), np.random.default_rng(0))
    run = tmp_path / "run"
    images = run_of(run, [jpeg(village(0)), twin, jpeg(village(2)), twin + b" "])
    named = "SkyScript_{}_filtered_by_tiny.csv"
    for split, numbers in (("train_top50pct", [0, 2]), ("test_30K", [1]), ("val_5K", [])):
        rows = "".join(f"images2/a{number}_SIM_24.jpg,x\n" for number in numbers)
        (run / named.format(split)).write_text(f"filepath,title\n{rows}")
    done, pairs = find(tmp_path, images)
    assert [(one["ours"], one["benchmark"], one["theirs"], one["kind"]) for one in pairs] == [
        ("images2/a0_SIM_24.jpg", "test of this run", "images2/a1_SIM_24.jpg", "near")
    ]
    assert done.figures["benchmarks"]["test of this run"]["leaked"] == 1


def test_only_the_images_of_a_captions_file_are_compared(tmp_path, world):
    images, bench = world
    chosen = tmp_path / "chosen.csv"
    chosen.write_text("filepath\nimages2/a1_SIM_24.jpg\n")
    _, pairs = find(tmp_path, images, [bench], captions=(chosen,))
    assert {one["ours"] for one in pairs} == {"images2/a1_SIM_24.jpg"}
    chosen.write_text("filepath\nimages2/a9_SIM_24.jpg\n")
    with pytest.raises(InputError, match=r"chosen.csv: 'images2/a9_SIM_24.jpg' is not an image of"):
        find(tmp_path, images, [bench], captions=(chosen,))


def test_another_run_is_a_benchmark_with_places(tmp_path, world):
    images, _ = world
    other = run_of(tmp_path / "other", [jpeg(village(70))])
    done = leakage(
        tmp_path / "run", images, [Benchmark("other", tmp_path / "other", other)],
        tmp_path / "out", LeakageConfig(), lambda event: None,
    )  # fmt: skip
    assert done.figures["benchmarks"]["other"]["pairs"] == {
        "place": {"pairs": 1, "ours": 1, "theirs": 1}
    }


def test_what_makes_no_sense_is_refused(tmp_path, world):
    images, bench = world
    with pytest.raises(InputError, match="name a benchmark, the folder of its images"):
        find(tmp_path, images)
    with pytest.raises(InputError, match="two benchmarks have the same name"):
        find(tmp_path, images, [bench, bench])
    with pytest.raises(InputError, match="is the run itself, whose own training and test files"):
        find(tmp_path, images, [tmp_path / "other/../run"])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "_run.json").write_text("{}")
    with pytest.raises(InputError, match="is the folder of a run; choose another folder"):
        find(tmp_path, images, [bench])
