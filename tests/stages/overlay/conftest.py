"""The stage run on tiles of the small ground."""

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.osm.bounds import with_bounds
from stages import tables
from stages.overlay import OverlayConfig, overlay
from tests.stages.overlay.tiles import FOCUS, focus_row, image
from tests.stages.vocabularies import AS_SHIPPED


@pytest.fixture
def metas(tmp_path):
    """Run the stage over images of focus objects among others; give its rows."""

    def run(
        others,
        images=None,
        focuses=(FOCUS,),
        config=None,
        vocab=AS_SHIPPED,
        bounds=(),
        shifts=(),
    ):
        images = [image()] if images is None else images
        objects = pa.Table.from_pylist([*focuses, *others], schema=tables.OBJECTS.schema)
        objects = with_bounds(objects, bounds)
        made = overlay(
            pa.Table.from_pylist(images, schema=tables.IMAGES.schema),
            pa.Table.from_pylist([focus_row(f) for f in focuses], schema=tables.FOCUS.schema),
            ds.dataset(objects),
            vocab,
            ds.dataset(pa.Table.from_pylist(list(shifts), schema=tables.SCENE_SHIFTS.schema)),
            config=config or OverlayConfig(),
            shard=Shard(0, tmp_path),
        )
        return conform(made, tables.META, where="overlay").to_pylist()

    return run


@pytest.fixture
def surrounding(metas):
    """Run the stage for one tile and give its neighbours."""

    def run(*others, **more):
        (row,) = metas(others, **more)
        assert row["status"] == "ok"
        return row["surrounding"]

    return run
