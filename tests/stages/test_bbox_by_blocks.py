"""The box of a run where shards have read the file: the nodes of lines are in their tables."""

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from pipeline.stage import Shard
from skyscript.geo.bbox import OUTSIDE
from stages import tables
from stages.eligible import EligibleConfig, find_eligible
from stages.eligible.why_none import why_none
from stages.extract import BLOBS, NODES, WAYS, ExtractConfig, find_boxes
from tests.skyscript.osm.osm_text import convert, write_opl
from tests.stages.sampling import outlined
from tests.stages.stored import stored
from tests.stages.vocabularies import AS_SHIPPED

pytest.importorskip("numba")
pytest.importorskip("isal")
pytestmark = pytest.mark.slow

BOX = (7.0, 43.0, 7.1, 43.1)
LINES = """
n1 x6.9 y43.05
n2 x6.95 y43.05
n3 x7.01 y43.05
n4 x7.05 y43.2
n5 x7.2 y43.05
n6 x7.02 y43.06
w1 Thighway=primary Nn1,n2,n3
w2 Thighway=primary Nn1,n4
w3 Thighway=primary Nn1,n5
w4 Thighway=primary Nn3,n6
w5 Thighway=primary Nn4,n5
w6 Thighway=primary Nn5,n6,n1
"""


def test_a_line_that_only_passes_by_takes_no_seat(tmp_path: Path) -> None:
    text = write_opl(tmp_path / "lines.opl", LINES)
    config = ExtractConfig(path=convert(text, tmp_path / "lines.osm.pbf"))
    blobs = stored(tables.BLOBS, tmp_path, BLOBS.run(config=config, root=tmp_path))
    parts = [part.to_table() for part in blobs.get_fragments()]
    given = [(part, Shard(number, tmp_path)) for number, part in enumerate(parts)]
    read = [NODES.run(part, config=config, shard=shard) for part, shard in given]
    nodes = stored(tables.NODES, tmp_path, read)
    read = [WAYS.run(part, nodes, config=config, shard=shard) for part, shard in given]
    ways = stored(tables.WAYS, tmp_path, read)
    found = find_boxes(blobs, nodes, ways, config=config, root=tmp_path)
    boxes = stored(tables.BOXES, tmp_path, found)
    table = boxes.to_table()
    assert table["geometry"].null_count == len(table)

    inputs, settings = (outlined(), AS_SHIPPED, ways, nodes), EligibleConfig(bbox=BOX)
    made = find_eligible(table, *inputs, config=settings, shard=Shard(0, tmp_path))
    reasons = dict(zip(made["object_id"].to_pylist(), made["reason"].to_pylist(), strict=True))
    assert reasons == {
        **dict.fromkeys(["w1", "w4", "w6"]),
        **dict.fromkeys(["w2", "w3", "w5"], OUTSIDE),
    }
    passing = table.filter(pc.field("object_id") == "w3")
    said = why_none(ds.dataset(passing), *inputs, config=settings)
    assert said.startswith("no object of the extract lies in `bbox`")
