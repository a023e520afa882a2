"""From a row of every file that we write back to box, time, OSM object and source image."""

import csv
import json
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

import skyscript as library
from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.run import Run
from pipeline.runner import run
from skyscript.clip.source import clip_installed
from stages import PIPELINE
from tests.conftest import REPOSITORY, answered, skyscript

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

PAGE = (REPOSITORY / "docs" / "provenance.md").read_text("utf-8")
QUERY, AGAIN = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
PAIRS = 60
SCORED = ["score.model=tiny", "score.name=tiny", "score.threads=1"]
FILTERED = ["filter.test_rows=5", "filter.val_rows=5"]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("town") / "run"
    options = [f"sample.max_objects={PAIRS}", "sample.shard_rows=25", "runner.executor=serial"]
    options += [*SCORED, *FILTERED] if clip_installed() else []
    options += ["statements.kinds=[count,cover,not_count]"]
    run(PIPELINE, load_config(TOY, PIPELINE, options), root, lambda event: None)
    return root


@pytest.fixture(scope="module")
def exported(town: Path) -> Path:
    out = town.parent / "export"
    formats = ("webdataset", "parquet", "zips", "coco", "llava", "choices", "stac")
    done = skyscript("export-data", town, "--out", out, "--format", *formats)
    assert done.returncode == 0, done.stderr
    return out


def trace(town: Path, name: str) -> tuple[object, ...]:
    """Ask the query of the documentation about a name."""
    query = QUERY.replace("RUN", str(town)).replace("NAME", name)
    (row,) = duckdb.sql(query).fetchall()
    return tuple(row)


def column(name: str) -> Callable[[Path], Iterator[str]]:
    def read(path: Path) -> Iterator[str]:
        with path.open(newline="") as file:
            yield from (row[name] for row in csv.DictReader(file))

    return read


def keys(path: Path) -> Iterator[str]:
    with tarfile.open(path) as tar:
        yield from {name.partition(".")[0] for name in tar.getnames()}


def members(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        yield from (name for name in archive.namelist() if not name.endswith("/"))


def of_json(*way: str) -> Callable[[Path], Iterator[str]]:
    def read(path: Path) -> Iterator[str]:
        found = json.loads(path.read_text("utf-8"))
        yield from (row[way[-1]] for row in (found[way[0]] if way[1:] else found))

    return read


def of_parquet(name: str) -> Callable[[Path], Iterator[str]]:
    return lambda path: iter(pq.read_table(path, columns=[name]).column(0).to_pylist())


def embedded(path: Path) -> Iterator[str]:
    yield from (image["path"] for image in pq.read_table(path)["image"].to_pylist())


READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    "webdataset/*.tar": keys,
    "data/*.parquet": embedded,
    "published/*.zip": members,
    "published/*.csv": column("filepath"),
    "coco/*.json": of_json("images", "file_name"),
    "llava/*.json": of_json("image"),
    "choices/*.json": of_json("image"),
    "stac/*.parquet": of_parquet("id"),
}


def check(town: Path, names: list[str]) -> None:
    """Check that each name leads to the object, scene, box and time of the run's own tables."""
    assert names
    images = {row["filepath"]: row for row in Run(town).table("images").to_table().to_pylist()}
    by_stem = {Path(path).stem: row for path, row in images.items() if path}
    objects = {row["object_id"]: row for row in Run(town).table("objects").to_table().to_pylist()}
    for name in names:
        own = by_stem[Path(name).stem]
        found = trace(town, name)
        thing = objects[own["object_id"]]
        assert found[:3] == (own["object_id"], thing["osm_version"], thing["changed"])
        assert found[3:7] == tuple(own[side] for side in ("west", "south", "east", "north"))
        assert found[9] == own["acquired"]
        assert found[10:12] == (own["time_precision"], own["scene_id"])


@pytest.mark.parametrize("pattern", READERS)
def test_every_row_of_an_export_leads_back(town: Path, exported: Path, pattern: str) -> None:
    paths = sorted(exported.glob(pattern))
    names = [name for path in paths for name in READERS[pattern](path)]
    check(town, names)
    assert len(set(names)) >= (5 if pattern.startswith("choices") else PAIRS - 5)


def test_every_row_of_the_files_of_a_run_leads_back(town: Path) -> None:
    csvs = sorted(town.glob("SkyScript_*.csv"))
    assert len(csvs) == (6 if clip_installed() else 1)
    csvs += town.glob("filter_dropped.csv")
    check(town, [name for path in csvs for name in column("filepath")(path)])
    for kind in ("images[2-7]/*.jpg", "meta[2-7]/*.pickle"):
        check(town, [str(path.relative_to(town)) for path in town.glob(kind)])


def test_every_row_of_a_class_set_and_its_training_file_leads_back(town: Path) -> None:
    captions, out = town / "SkyScript_train_unfiltered.csv", town.parent / "bench" / "set"
    options = ("--classes", 2, "--per-class", 2, "--hold-out", "objects", "--max-held-out", 0.6)
    done = skyscript(
        *("build-classification", town, "--out", out, "--training", captions, *options),
        *("--ambiguous", "focus"),
    )
    assert done.returncode == 0, done.stderr
    check(town, list(column("filepath")(out / "img_txt_pairs_val.csv")))
    check(town, list(column("filepath")(out / "training" / captions.name)))


def test_every_row_of_captions_from_pickles_and_of_a_sheet_leads_back(town: Path) -> None:
    out, sheet = town.parent / "captions.csv", town.parent / "sheet.csv"
    assert skyscript("caption", "--meta", town, "--out", out).returncode == 0
    assert skyscript("judge", town, "--sheet", sheet, "--sample", 10).returncode == 0
    check(town, [*column("filepath")(out), *column("filepath")(sheet)])


@pytest.mark.parametrize("what", ["captions", "statements"])
def test_every_verdict_and_all_that_is_wrong_leads_back(
    town: Path, tmp_path: Path, what: str
) -> None:
    sheet, out = tmp_path / "sheet.csv", tmp_path / "judged"
    drawn = ("--what", what, "--sample", 30, "--out", out)
    assert answered("judge", town, "--sheet", sheet, *drawn).returncode == 0
    header, *rows = csv.reader(sheet.read_text("utf-8").splitlines())
    with sheet.open("w", newline="") as file:
        verdicts = ("right", "wrong")
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([*row[:2], verdicts[n % 2], *row[3:]] for n, row in enumerate(rows))
    done = answered("judge", town, "--verdicts", sheet, *drawn)
    assert done.returncode == 0, done.stderr
    for name, fewest in (("verdicts.csv", 30), ("wrong.csv", 10)):
        names = list(column("filepath")(out / name))
        assert len(names) >= fewest
        check(town, names)
    said = {pair["filepath"]: pair for pair in Run(town).table("pairs").to_table().to_pylist()}
    for row in csv.DictReader((out / "verdicts.csv").read_text("utf-8").splitlines()):
        pair = said[row["filepath"]]
        texts = [(one["kind"], one["text"]) for one in pair["statements"]]
        assert (row["kind"], row["statement"]) in [("caption", pair["title"]), *texts]


@pytest.mark.skipif(not clip_installed(), reason="the extra `clip` is not installed")
def test_a_record_says_why_no_filtered_file_holds_the_pair(town: Path) -> None:
    with (town / "filter_dropped.csv").open(newline="") as file:
        reasons = {row["filepath"]: row["reason"] for row in csv.DictReader(file)}
    pairs = Run(town).table("pairs").to_table().to_pylist()
    assert {pair["filepath"]: pair["not_kept"] for pair in pairs if pair["not_kept"]} == reasons
    assert all((pair["not_kept"] is None) == (pair["split"] is not None) for pair in pairs)


def test_a_record_names_the_rows_of_the_csvs_that_hold_the_pair(town: Path) -> None:
    rows: dict[str, list[str]] = {
        path.name: list(column("filepath")(path)) for path in town.glob("SkyScript_*.csv")
    }
    named = 0
    for pair in Run(town).table("pairs").to_table().to_pylist():
        for place in pair["files"]:
            assert rows[place["file"]][place["row"] - 1] == pair["filepath"]
        named += len(pair["files"])
        splits = {
            name.split("_")[1]
            for name in (place["file"] for place in pair["files"])
            if "filtered_by" in name
        }
        assert splits == ({pair["split"]} if pair["split"] else set())
    assert named == sum(map(len, rows.values()))


def test_a_record_has_the_captions_that_statements_are_composed_into(town: Path) -> None:
    names = [f"{column}_{size}" for column in ("title", "tokens") for size in ("short", "long")]
    of_captions = Run(town).table("captions").to_table(["filepath", *names]).to_pylist()
    of_pairs = Run(town).table("pairs").to_table(["filepath", *names]).to_pylist()
    assert of_pairs == [row for row in of_captions if row["filepath"]]
    assert all(row["title_long"] for row in of_pairs)


@pytest.fixture
def records(town: Path, tmp_path: Path) -> Path:
    """The table of the pairs, and nothing else of the run."""
    place = tmp_path / "records/tables/pairs"
    shutil.copytree(town / "tables/pairs", place)
    return tmp_path / "records"


def test_captions_are_written_again_from_the_records_alone(town: Path, records: Path) -> None:
    out = records / "captions.csv"
    done = skyscript("caption", "--records", records, "--out", out)
    assert done.returncode == 0, done.stderr
    header, *rows = csv.reader(out.read_text().splitlines())
    whole = csv.reader((town / "SkyScript_train_unfiltered.csv").read_text().splitlines())
    assert header == ["filepath", "title", "title_multi_objects"]
    assert rows == [row[:3] for row in list(whole)[1:]]
    assert len(rows) >= PAIRS - 5
    readable = ("--set", "caption.style=readable")
    assert skyscript("caption", "--records", records, "--out", out, *readable).returncode == 0
    assert out.read_text() != "".join(f"{line}\n" for line in map(",".join, rows))
    for pair in Run(town).table("pairs").to_table().to_pylist():
        around = [dict(neighbour["tags"]) for neighbour in pair["surrounding"]]
        made = library.caption(dict(pair["center_tags"]), around)
        assert made == (pair["title"], pair["title_multi_objects"])


def test_one_source_is_named_for_captions_and_filters(town: Path, tmp_path: Path) -> None:
    for command, option in (("caption", "--meta"), ("filter", "--captions")):
        for options in ((), (option, town, "--records", town)):
            done = answered(command, *options, "--out", tmp_path / "out")
            assert done.returncode == 2
            assert f"Give either {option} or --records." in done.stderr
    done = answered("caption", "--records", tmp_path, "--out", tmp_path / "x.csv")
    assert done.returncode == 2
    assert "contains no records" in done.stderr


@pytest.mark.skipif(not clip_installed(), reason="the extra `clip` is not installed")
@pytest.mark.parametrize("by", ["command", "query"])
def test_the_filter_runs_again_from_the_records_alone(
    town: Path, records: Path, tmp_path: Path, by: str
) -> None:
    again = tmp_path / "again.csv"
    duckdb.sql(AGAIN.replace("RUN", str(records)).replace("again.csv", str(again)))
    own = json.loads((town / "filter_report.json").read_text())["options"]
    out = tmp_path / "out"
    source = ("--records", records) if by == "command" else ("--captions", again)
    options = [f"--{name}={own[key]}" for name, key in (("seed", "seed"), ("block", "block"))]
    options += [f"--max-held-out={own['max_held_out']}", "--test-rows=5", "--val-rows=5"]
    done = skyscript("filter", *source, "--out", out, "--name", "x", *options)
    assert done.returncode == 0, done.stderr
    ours = {path.name.split("_filtered")[0]: path for path in out.glob("*.csv")}
    theirs = {path.name.split("_filtered")[0]: path for path in town.glob("*_filtered_by_*.csv")}
    theirs |= {"filter_dropped.csv": town / "filter_dropped.csv"}
    assert ours.keys() == theirs.keys()
    for name, path in ours.items():
        assert list(column("filepath")(path)) == list(column("filepath")(theirs[name])), name
        if by == "command":
            assert path.read_bytes() == theirs[name].read_bytes()
