"""Captions from published pickles, against the plain loop that scripts use: the ratio is printed.

The plain loop runs `pickle.load`, which runs whatever a pickle names, joins words without the
published rules, and writes as it goes. Run: pytest -m bench -s tests/bench/bench_caption.py
"""

import csv
import pickle
import random
import time
import zipfile

import pyarrow as pa
import pytest

from pipeline.stage import Shard
from skyscript.captions import caption_pickles
from skyscript.files.meta import Meta
from skyscript.geo.tile import Box
from stages import tables
from stages.caption import CaptionTilesConfig, caption
from tests.bench.record import record
from tests.stages.vocabularies import AS_SHIPPED

pytestmark = pytest.mark.bench

PICKLES = 20_000
ROUNDS = 5
OBJECTS = [
    {"highway": "residential"},
    {"highway": "service", "surface": "asphalt"},
    {"highway": "footway"},
    {"building": "yes"},
    {"building": "house", "roof:shape": "gabled"},
    {"landuse": "residential"},
    {"natural": "tree"},
    {"amenity": "parking", "parking": "surface"},
    {"power": "line", "cables": "3", "voltage": "16000"},
    {"leisure": "pitch", "sport": "soccer"},
]


def some_metas():
    draw = random.Random(0)
    for number in range(PICKLES):
        around = draw.choices(OBJECTS, k=draw.randint(0, 20))
        box = Box(7.41, 43.72, 7.42 + number / 1e6, 43.73)
        yield number, Meta(box, (2019, 7, 1, 10, 30), draw.choice(OBJECTS), around)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """As published: pickle.dump with its defaults, in six folders."""
    root = tmp_path_factory.mktemp("published")
    for number, meta in some_metas():
        path = root / f"meta{2 + number % 6}" / f"a{number}_US_20.pickle"
        path.parent.mkdir(exist_ok=True)
        value = meta._asdict() | {"box": tuple(meta.box)}
        path.write_bytes(pickle.dumps(value))
    return root


def metas_in_folder(root):
    for path in sorted(root.glob("meta*/*.pickle")):
        with path.open("rb") as file:
            yield path.stem, pickle.load(file)


def metas_in_zip(path):
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            with archive.open(name) as file:
                yield name, pickle.load(file)


def plain_loop(metas, out):
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filepath", "title", "title_multi_objects"])
        for name, meta in metas:
            title = "a satellite image of " + words(meta["center_tags"], ", ")
            around = "; ".join({words(tags, " and ") for tags in meta["surrounding_tags"]})
            writer.writerow([f"{name}.jpg", title, f"{title}, surrounded by {around}"])


def words(tags, glue):
    return glue.join(f"{key} of {value}".replace("_", " ") for key, value in tags.items())


def best(*functions):
    """Give each function's best time; they take turns, so that a busy minute meets them all."""
    seconds = [[] for _ in functions]
    for _ in range(ROUNDS):
        for function, times in zip(functions, seconds, strict=True):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
    return [min(times) for times in seconds]


def test_pickles_a_second(folder, tmp_path):
    archive_path = tmp_path / "meta.zip"
    with zipfile.ZipFile(archive_path, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.rglob("*.pickle"):
            archive.write(path, path.relative_to(folder))
    out = tmp_path / "plain.csv"
    for kind, source, metas in (
        ("folder", folder, metas_in_folder),
        ("zip", archive_path, metas_in_zip),
    ):
        plain, ours = best(
            lambda source=source, metas=metas: plain_loop(metas(source), out),
            lambda source=source, kind=kind: caption_pickles(source, tmp_path / f"{kind}.csv"),
        )
        print(
            f"\n{kind}: plain loop {PICKLES / plain:,.0f} pickles/s, caption_pickles "
            f"{PICKLES / ours:,.0f} pickles/s: {plain / ours:.2f} x plain"
        )
        what = f"`caption`, pickles of a {kind} read safely"
        against = "`pickle.load` with no checks"
        record(f"caption_{kind}", what=what, against=against, ratio=plain / ours)
    assert (tmp_path / "zip.csv").read_bytes() == (tmp_path / "folder.csv").read_bytes()


def test_rows_a_second():
    rows = [
        {
            "object_id": f"a{number}",
            "filepath": f"images2/a{number}_US_20.jpg",
            "center_tags": list(meta.center_tags.items()),
            "surrounding": [
                {"object_id": "n1", "tags": list(tags.items()), "share": 0.0, "distance": 1.0}
                for tags in meta.surrounding_tags
            ],
            "status": "ok",
        }
        for number, meta in some_metas()
    ]
    meta = pa.Table.from_pylist(rows, schema=tables.META.schema)
    (seconds,) = best(
        lambda: caption(meta, AS_SHIPPED, config=CaptionTilesConfig(), shard=Shard(0, None))
    )
    print(f"\ncaption stage:          {PICKLES / seconds:9,.0f} rows/s")
