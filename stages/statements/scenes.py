"""Makes the scenes of images: the geometry of their visible objects, in pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from skyscript.captions.object_names import things_of
from skyscript.geo.nearby import objects_near
from skyscript.geo.tile import Box, mercator_box, project
from skyscript.osm.tags import Tags
from stages.statements.scene import Scene, Thing
from tag_vocab import concepts_of
from tag_vocab.concepts_of import Kind

Row = Mapping[str, Any]


def make_scenes(rows: list[dict[str, Any]], objects: ds.Dataset) -> Iterator[tuple[Row, Scene]]:
    """Yield each row with its scene.

    ``rows`` have the columns of ``meta``, and ``width`` and ``height`` in pixels. The image is
    north-up on the EPSG:3857 grid. A user's own words for tags are left out: only the tree of
    concepts tells whether two things are of one kind.
    """
    near = objects_near(objects, [Box.of(row) for row in rows], ("object_id", "geometry"))
    geometries = _projected(near)
    for row in rows:
        around = row["surrounding"]
        shown = [(row["object_id"], row["center_tags"])]
        shown += [(neighbour["object_id"], neighbour["tags"]) for neighbour in around]
        yield row, _scene(row, shown, geometries)


def _projected(objects: pa.Table) -> dict[str, shapely.Geometry]:
    """Give valid geometries in EPSG:3857 metres by object."""
    degrees = shapely.from_wkb(objects["geometry"].to_numpy(zero_copy_only=False))
    metres = shapely.make_valid(shapely.transform(degrees, project))
    return dict(zip(objects["object_id"].to_pylist(), metres, strict=True))


def _scene(
    row: Row,
    shown: list[tuple[str, Tags]],
    geometries: Mapping[str, shapely.Geometry],
) -> Scene:
    box, size = mercator_box(Box.of(row)), (row["width"], row["height"])
    things = []
    for object_id, tags in shown:
        concepts = things_of(concepts_of(dict(tags), cast(Kind, object_id[0])))
        if not concepts or object_id not in geometries:
            continue
        part = _in_pixels(geometries[object_id], box, size)
        if not shapely.is_empty(part):
            things.append(Thing(object_id, tuple(concepts), part))
    complete = bool(row["surroundings_complete"])
    return Scene(row["object_id"], *size, complete, tuple(things))


def _in_pixels(geometry: shapely.Geometry, box: Box, size: tuple[int, int]) -> shapely.Geometry:
    """Give the part of a geometry in a tile, in pixels from the top left corner."""
    part = shapely.clip_by_rect(geometry, *box)
    across, down = (box.east - box.west) / size[0], (box.north - box.south) / size[1]

    def to_pixels(metres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(
            [(metres[:, 0] - box.west) / across, (box.north - metres[:, 1]) / down]
        )

    return shapely.make_valid(shapely.transform(part, to_pixels))
