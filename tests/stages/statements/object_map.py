"""Where each object of the map lies in an image, by the pixels that the simulator's painter draws.

Nothing of the stage is used. Concepts come from the vocabulary. An object is drawn alone, without
its shadow, at twice the resolution of the image.
"""

import functools
import re
from collections import defaultdict

import numpy as np
import pyarrow as pa

from skyscript.backends.simulated.canvas import Canvas
from skyscript.backends.simulated.features import features
from skyscript.backends.simulated.looks import Layer, look_of
from skyscript.backends.simulated.painter import passes
from skyscript.backends.simulated.render import draw, render, road_pieces, stamped
from skyscript.backends.simulated.season import Season
from skyscript.geo.tile import Box, Tile
from tag_vocab import concepts_of
from tests.stages.statements.independent import NUMBERS

TURNS = ("east", "northeast", "north", "northwest", "west", "southwest", "south", "southeast")
_NUMBERS = {word: str(n) for n, word in enumerate(NUMBERS)}
_REACH = 100
"""Metres: farther from its outline or line, no object has a pixel, but for its shadow."""
_BLANK = np.array([1, 2, 3, 255], np.uint8).view(np.uint32)[0]


class ObjectMap:
    """The masks of the objects near an image."""

    def __init__(self, world, meta, image, pixels):
        self._tile = Tile(Box.of(image), image["width"], image["height"])
        self._season = Season(image["scene_id"].rpartition("/")[2])
        self._near = world.objects.take(pa.array(world.around(image)))
        self._canvas = Canvas(self._tile, self._season)
        found = features(self._near, self._canvas.window)
        looks = [(one, look) for one in found if (look := look_of(one.tags, one.dimension))]
        self._canvas.roads = road_pieces(looks)
        self._looks = {one.object_id: (one, look) for one, look in looks}
        around = {one["object_id"]: one["tags"] for one in meta["surrounding"]}
        visible = {meta["object_id"]: meta["center_tags"], **around}
        self._named = defaultdict(list)
        for name, tags in zip(
            *(self._near[of].to_pylist() for of in ("object_id", "tags")), strict=True
        ):
            shown = _names(frozenset(dict(visible.get(name, tags)).items()), name[0])
            for concept in shown:
                self._named[concept].append(name)
        self._masks = {}
        self._nothing = np.zeros(self._canvas.whole.shape, bool)
        self.image = pixels

    def mask(self, name):
        """Give the pixels of an object."""
        if name not in self._masks:
            self._masks[name] = self._drawn(name)
        return self._masks[name]

    def _drawn(self, name):
        canvas = self._canvas
        if name not in self._looks or not self._is_near(self._looks[name][0]):
            return self._nothing
        canvas.whole[:] = _BLANK
        feature, look = self._looks[name]
        works = [*passes(canvas, feature, look), *stamped(canvas, feature, look)]
        draw(work for work in works if work.order[0] != Layer.CAST)
        return canvas.whole != _BLANK

    def _is_near(self, feature):
        """Tell whether an object comes within `_REACH` of the image: no other one has a pixel."""
        points, reach = np.concatenate(feature.parts), _REACH * self._canvas.metre
        size = self._canvas.size
        return (points.min(0) < size + reach).all() and (points.max(0) > -reach).all()

    def of(self, concept):
        """Give the masks of the objects that show a concept, of those that have a pixel."""
        masks = {name: self.mask(name) for name in self._named[concept]}
        return {name: mask for name, mask in masks.items() if mask.any()}

    @functools.cached_property
    def as_it_is(self):
        """The image with the tags of the map."""
        return self.render()

    def render(self, change=lambda name, tags: tags):
        """Draw the image with the tags that a function gives for an object and its tags."""
        rows = self._near.to_pylist()
        rows = [
            row | {"tags": [*change(row["object_id"], dict(row["tags"])).items()]} for row in rows
        ]
        changed = pa.Table.from_pylist(rows, schema=self._near.schema)
        return render(self._tile, changed, self._season)


def is_false(row, objects):
    """Tell whether a negative is false by the pixels; None if they cannot tell."""
    verb, names, value = re.fullmatch(r"(\w+)\((.*?)\)(?: = (.*))?", row["claim"]).groups()
    return _CHECKS[verb](objects, *names.split(", "), *([value] if value else []))


def true_claim(row):
    """Give the claim of the true sentence that a negative twists; None of other kinds."""
    verb, names, value = re.fullmatch(r"(\w+)\((.*?)\)(?: = (.*))?", row["claim"]).groups()
    if verb == "count":
        said = (
            _NUMBERS.get(word, word) for word in re.findall(r"\w+", row["true_text"].casefold())
        )
        return f"count({names}) = {next(word for word in said if word.isdigit())}"
    if verb == "direction":
        return f"direction({names}) = {TURNS[(TURNS.index(value) + 4) % 8]}"
    inner_outer = ", ".join(reversed(names.split(", ")))
    return f"inside({inner_outer})" if verb == "inside" else None


def _present(objects, name):
    return not objects.of(name)


def _count(objects, name, number):
    return len(objects.of(name)) != int(number)


def _direction(objects, one, other, value):
    """No pair lies so: the centres of the boxes of the pixels, within 22.5 degrees."""
    pairs = [(a, b) for a in objects.of(one).values() for b in objects.of(other).values()]
    if not pairs:
        return None
    for a, b in pairs:
        (x, y), (x2, y2) = _centre(a), _centre(b)
        turn = np.degrees(np.arctan2(y2 - y, x - x2)) - 45 * TURNS.index(value)
        if abs((turn + 180) % 360 - 180) <= 22.5:
            return False
    return True


def _centre(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2


def _inside(objects, one, other):
    """Of none, 95 percent of the pixels lie in those of another."""
    ones, others = objects.of(one), objects.of(other)
    if not ones or not others:
        return None
    return all(
        (a & ~b).sum() > 0.05 * a.sum()
        for a in ones.values()
        for b in others.values()
        if a is not b
    )


def _attribute(objects, name, wrong):
    """With the wrong attribute, the objects look otherwise."""
    swapped = wrong.split(" ")[0]
    kind = "roof:shape" if wrong.endswith("roof") else "surface"
    having = objects.of(name)

    def change(each, tags):
        return tags | {kind: swapped} if each in having else tags

    true, false = objects.as_it_is, objects.render(change)
    differ = (true != false).any(axis=2)
    if not differ.any():
        return None
    return _nearer(objects.image, true, false, differ)


def _nearer(image, true, false, where):
    off = [np.abs(image[where].astype(int) - drawn[where]).sum() for drawn in (true, false)]
    return off[0] < off[1]


_CHECKS = {
    "present": _present,
    "count": _count,
    "direction": _direction,
    "inside": _inside,
    "attribute": _attribute,
}


@functools.lru_cache(maxsize=1 << 16)
def _names(tags, kind):
    found = concepts_of(dict(tags), kind)
    return {each.name for one in found for each in (one, *one.ancestors)}
