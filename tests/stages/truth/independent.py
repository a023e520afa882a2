"""What the simulated pixels show: drawn with and without some objects, and compared.

Nothing of the stage is used. Concepts come from the vocabulary, pixels from the painter.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
import shapely
from rasterio.features import rasterize
from rasterio.transform import IDENTITY

from skyscript.backends.simulated.render import render
from skyscript.backends.simulated.season import Season
from skyscript.geo.tile import Box, Tile
from tag_vocab import concepts_of

_TO_METRES = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)


class Map:
    """The objects of a run, with the names of what each shows."""

    def __init__(self, objects):
        self.objects = objects.filter(pc.equal(objects["status"], "ok"))
        rows = zip(self.objects["tags"].to_pylist(), self.objects["kind"].to_pylist(), strict=True)
        self.names = [_names(dict(tags), kind) for tags, kind in rows]
        degrees = shapely.from_wkb(self.objects["geometry"].to_numpy(zero_copy_only=False))
        self.shapes = shapely.transform(
            degrees, lambda at: np.column_stack(_TO_METRES.transform(*at.T))
        )
        self.tree = shapely.STRtree(self.shapes)

    def drawn_with_and_without(self, image, concepts):
        """Give the tile of an image as drawn with all objects, and without some objects."""
        tile = Tile(Box.of(image), image["width"], image["height"])
        near = self.around(image)
        kept = [one for one in near if not self.names[one] & set(concepts)]
        season = Season(image["scene_id"].rpartition("/")[2])
        return [render(tile, self.objects.take(pa.array(some)), season) for some in (near, kept)]

    def around(self, image):
        """Give the rows of the objects in an image and 800 m around it."""
        west, south, east, north = _metres(image)
        near = self.tree.query(shapely.box(west - 800, south - 800, east + 800, north + 800))
        return np.sort(near)

    def pixels_of(self, image, concept):
        """Give the number of pixels of an image that objects of a concept touch."""
        west, south, east, north = _metres(image)
        size = np.array([image["width"] / (east - west), image["height"] / (north - south)])
        near = self.tree.query(shapely.box(west, south, east, north), predicate="intersects")
        shapes = [
            shapely.transform(self.shapes[one], lambda at: (at - (west, north)) * size * (1, -1))
            for one in near
            if concept in self.names[one]
        ]
        shape = image["height"], image["width"]
        if not shapes:
            return 0
        return int(rasterize(shapes, shape, transform=IDENTITY, all_touched=True).sum())


def _names(tags, kind):
    return {each.name for one in concepts_of(tags, kind) for each in (one, *one.ancestors)}


def _metres(image):
    corners = (image["west"], image["east"]), (image["south"], image["north"])
    (west, east), (south, north) = _TO_METRES.transform(*corners)
    return west, south, east, north
