"""The visible objects of an image, made without the generator of statements: pyproj projects."""

import numpy as np
import pyproj
import shapely

from tag_vocab import concepts_of

_GEOD = pyproj.Geod(ellps="WGS84")
_TO_METRES = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)


class Image:
    """The visible objects of an image, from its rows of the tables meta, images and objects."""

    def __init__(self, meta, image, wkb_by_id):
        corners = (meta["west"], meta["east"]), (meta["south"], meta["north"])
        (west, east), (south, north) = _TO_METRES.transform(*corners)
        self.size = image["width"], image["height"]
        self.complete = meta["surroundings_complete"]
        self.acquired, self.precision = image["acquired"], image["time_precision"]
        self.latitude = (meta["south"] + meta["north"]) / 2
        _, _, ground = _GEOD.inv(meta["west"], self.latitude, meta["east"], self.latitude)
        self.metres = ground / self.size[0]
        scale = self.size[0] / (east - west), self.size[1] / (north - south)
        around = [(one["object_id"], one["tags"]) for one in meta["surrounding"]]
        self.shapes, self.concepts = {}, {}
        for name, tags in [(meta["object_id"], meta["center_tags"]), *around]:
            shape = _in_pixels(wkb_by_id[name], west, north, scale)
            part = shapely.intersection(shape, shapely.box(0, 0, *self.size))
            if not part.is_empty:
                self.shapes[name] = part
                self.concepts[name] = concepts_of(dict(tags), name[0])

    def ids_of(self, name):
        """Give the objects that show a concept or a kind of it."""
        return [
            one
            for one, shown in self.concepts.items()
            if any(name in [each.name for each in (own, *own.ancestors)] for own in shown)
        ]

    def tells(self, name):
        """Tell whether no object is only said to be of a more general concept than this one."""
        every = [
            {each for own in shown for each in (own, *own.ancestors)}
            for shown in self.concepts.values()
        ]
        (above,) = {one.ancestors for shown in every for one in shown if one.name == name}
        return not any(
            one.name in [each.name for each in above]
            and all(one not in each.ancestors for each in shown)
            for shown in every
            for one in shown
        )

    def of(self, name):
        """Give the shapes of these objects."""
        return [self.shapes[one] for one in self.ids_of(name)]

    def says(self, name, text):
        """Tell whether a text names a concept, in the singular or the plural."""
        shown = {one for concepts in self.concepts.values() for one in concepts}
        shown |= {above for one in shown for above in one.ancestors}
        plurals = [one.plural for one in shown if one.name == name]
        return any(word.casefold() in text.casefold() for word in (name, *plurals))


def _in_pixels(wkb, west, north, scale):
    metres = shapely.transform(
        shapely.from_wkb(wkb), lambda degrees: np.column_stack(_TO_METRES.transform(*degrees.T))
    )
    across, down = scale
    return shapely.transform(
        shapely.make_valid(metres), lambda at: (at - (west, north)) * (across, -down)
    )
