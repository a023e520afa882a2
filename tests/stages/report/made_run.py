"""A run of tables made by hand for the report, and its page as a reader sees it."""

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import shapely
from PIL import Image

from pipeline.atomic import content_id
from pipeline.schema import conform
from skyscript.geo.tile import Box
from skyscript.osm.tags import Tags
from stages import tables
from stages.pairs import RunPairsConfig, run_pairs
from stages.report import ReportConfig, report
from stages.report.lost import UNFIT, Lost

JULY = datetime(2024, 7, 15, 11, 0, tzinfo=UTC)


class Run:
    """A run's tables, filled object by object."""

    def __init__(self, *sources):
        self.rows = {table.name: [] for table in CONTRACTS}
        for source in sources:
            self.rows["scenes"].append(
                {
                    "scene_id": f"{source}/one",
                    "source": source,
                    "backend": "folder",
                    "name": "one",
                    "geometry": shapely.box(9, 47, 10, 48).wkb,
                    **_box(9, 47, 1),
                    "gsd": 0.6,
                    "acquired": JULY,
                    "time_precision": "day",
                    "weight": 1.0,
                }
            )

    def add(self, name, tags, *, source="US", gsd=0.6, lost_at=None, status="filtered", reason=""):
        """Put an object through the stages; from ``lost_at`` on its rows say why it ended."""
        number = len(self.rows["focus"])
        thing = _thing(name, tags, number)
        state = {"status": "ok", "reason": None}
        for table in ("boxes", "objects"):
            self.rows[table].append({**thing, "geom_rule": "node", **state})
        self.rows["wanted"].append({"object_id": name, **state})
        self.rows["eligible"].append(
            {
                "object_id": name,
                **{"lon": 9.1, "lat": 47.1, "draw": 0.5},
                "tags": [f"{key}={value}" for key, value in tags.items()],
                "unseen": [],
                **state,
            }
        )
        self.rows["focus"].append({**thing, "chosen_by": "all", "chosen_for": None})
        for table, row in _image_rows(name, tags, source, gsd, number).items():
            if table == lost_at:
                state = {"status": status, "reason": reason}
            values = row if state["status"] == "ok" else ONCE_LOST.get(table, row)
            self.rows[table].append({"object_id": name, **values, **state})
        return self

    def matched(self, name, **columns):
        """Say how well the map lies on an object's image."""
        source = next(r["source"] for r in self.rows["images"] if r["object_id"] == name)
        scene = {"source": source, "scene_id": f"{source}/one"}
        self.rows["match"].append({"object_id": name, "status": "ok", **scene, **columns})
        return self

    def shifted(self, scene_id, **columns):
        """Give a scene a shift, or the reason for none."""
        counts = {"images": 3, "sure_images": 2, "corrected": False}
        row = {"scene_id": scene_id, "source": scene_id.split("/")[0], **counts, **columns}
        self.rows["scene_shifts"].append(row)
        return self

    def datasets(self, root):
        """Give the tables, with the records of the pairs that the stage `pairs` joins."""
        matched = {row["object_id"]: row for row in self.rows["match"]}
        self.rows["match"] = [
            matched.get(image["object_id"]) or _unmatched(image) for image in self.rows["images"]
        ]
        made = {table.name: _dataset(table, self.rows[table.name]) for table in CONTRACTS}
        given = {name: made[name] for name in JOINED} | {"files": _dataset(tables.FILES, [])}
        parts = run_pairs(**given, config=RunPairsConfig(), root=root)
        pairs = pa.concat_tables([*parts, tables.RUN_PAIRS.schema.empty_table()])
        return made | {"pairs": ds.dataset(pairs)}

    def page(self, root, **config):
        """Run the stage on images that are there, and give the page."""
        for row in self.rows["images"]:
            if row["status"] == "ok":
                path = root / row["filepath"]
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (40, 30), TILE_COLOUR).save(path)
        parts = list(report(**self.datasets(root), config=ReportConfig(**config), root=root))
        table = conform(pa.concat_tables(parts), tables.REPORT, where="report")
        data = (root / "report/index.html").read_bytes()
        at = table["filepath"].to_pylist().index("report/index.html")
        assert table["content_hash"][at].as_py() == content_id(data)
        named = [root / name for name in table["filepath"].to_pylist()]
        assert sorted(named) == sorted(p for p in (root / "report").rglob("*") if p.is_file())
        return Page(data.decode("utf-8"))


TILE_COLOUR = (200, 90, 40)

CONTRACTS = (
    *(tables.BOXES, tables.ELIGIBLE, tables.FOCUS, tables.SCENES, tables.TILES),
    *(tables.WANTED, tables.OBJECTS),
    *(tables.IMAGES, tables.MATCH, tables.SCENE_SHIFTS, tables.META, tables.CAPTIONS),
)


JOINED = ("objects", "scenes", "focus", "images", "match", "meta", "captions")
"""The tables that the stage `pairs` needs."""

ONCE_LOST = {"images": {}, "meta": {"center_tags": [], "surrounding": []}, "captions": {}}
"""What these tables hold of an object that is lost; tiles keep their row."""


def _dataset(table, rows):
    return ds.dataset(pa.Table.from_pylist(rows, schema=table.schema))


def _unmatched(image):
    """Give the row of the table match of an image that was not compared."""
    same = ("object_id", "source", "scene_id", "status", "reason")
    row = {name: image.get(name) for name in same}
    return row | ({"no_match": "not compared"} if image["status"] == "ok" else {})


def _box(west, south, side):
    return {"west": west, "south": south, "east": west + side, "north": south + side}


def _place(number):
    return _box(9.1 + 0.002 * number, 47.1 + 0.001 * number, 0.001)


def _thing(name, tags, number):
    """Give the columns of an object, as the tables objects and focus hold them."""
    return {
        "object_id": name,
        "kind": name[0],
        "osm_id": int(name[1:]),
        "geometry": shapely.Point(9.1, 47.1).wkb,
        **_place(number),
        "tags": list(tags.items()),
    }


def _image_rows(name, tags, source, gsd, number):
    """Give an object's row in each table from tiles on, where nothing is lost."""
    filepath = f"images3/{name}_{source}_24.jpg"
    taken = {"source": source, "gsd": gsd, **_place(number), "acquired": JULY}
    return {
        "tiles": {"part": 3, "centred": False, "candidates": []},
        "images": {
            "filepath": filepath,
            **taken,
            "scene_id": f"{source}/one",
            "width": 400 + number,
            "height": 300,
            "time_precision": "day",
            "nodata_share": 0.0,
            "byte_size": 12_000,
            "content_hash": "00",
        },
        "meta": {
            "filepath": filepath,
            **taken,
            "metapath": f"meta3/{name}.pickle",
            "meta_hash": "00",
            "center_tags": list(tags.items()),
            "left_out": [("name=Main Street", "a name cannot be seen")],
            "surrounding": [],
        },
        "captions": {
            "filepath": filepath,
            "title": "a satellite image of " + ", ".join(map(" ".join, tags.items())),
            "title_multi_objects": "a satellite image of many things",
        },
    }


def value_of(path):
    """Give the value that a file of data hands to the explorer."""
    text = path.read_text()
    assert text.startswith("explorer.put(")
    return json.loads("[" + text.removeprefix("explorer.put(").removesuffix(");\n") + "]")[1]


class Page(HTMLParser):
    """The page as a reader sees it; every element that is opened must be closed, in order."""

    VOID = frozenset({"meta", "img", "link", "input"})

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.source, self.open, self.elements, self.texts = source, [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip() and self.open[-1] != "style":
            self.texts.append(data.strip())

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(self.texts)


def lost(name: str, tags: Tags, box: Box, **changed: Any) -> Lost:
    """An object that got no image because of clouds."""
    reason = f"0.{len(name)} of the tile looks like cloud"
    one = Lost(name, f"node/{name[1:]}", tags, UNFIT, reason, "SIM", 0.5, box, None, ["SIM/one"])
    return one._replace(**changed)
