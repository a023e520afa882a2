"""What the images of a shard show, in pixels: the things that statements are made of, as columns.

Everything is computed for all things of a shard at once. A thing is an OSM object in one image; the
things of an image stand together, its focus object first.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from skyscript.geo.meeting import meeting_boxes
from skyscript.ragged import counted, counted_in
from stages.statements.concepts import Concepts, columns_of
from stages.statements.groups import Bools, Floats, Groups, Ints, distinct, pairs_within

__all__ = [
    "NEAR",
    "Bools",
    "Concepts",
    "Floats",
    "Geometries",
    "Groups",
    "Ints",
    "Scenes",
    "distinct",
    "once",
]

Made = TypeVar("Made")
Geometries = npt.NDArray[np.object_]

NEAR = 3.0
"""Pixels: things that are nearer touch, as far as an image shows it."""


@dataclass(frozen=True, eq=False)
class Scenes:
    """The things that are visible in the images of a shard. North is up."""

    images: Sequence[str]
    """The ids of their focus objects."""
    width: Ints
    height: Ints
    metres: Floats
    """By image: metres on the ground of a pixel."""
    is_complete: Bools
    """By image: whether it lies within the bounds of the OSM extract, so that no object lacks."""
    latitude: Floats
    """By image: degrees, of its centre."""
    acquired: npt.NDArray[np.datetime64]
    """By image: the time of acquisition, UTC."""
    precision: npt.NDArray[np.str_]
    """By image: minute, day, year or range."""
    concepts: Concepts
    lacking: Ints
    """The numbers of images that certainly do not show a concept, by the table ``truth``."""
    absent: Ints
    """These concepts."""
    edge_image: Ints
    """The numbers of images with an object at the edge that is none of their things."""
    edge_listed: Ints
    """The number of the list of concepts that such an object shows."""
    image: Ints
    """By thing, as all below: the number of its image, ascending."""
    object_ids: pa.StringArray
    listed: Ints
    """The number of the list of concepts that it shows."""
    geometry: Geometries
    """Its part in the image: x and y in pixels from the top left corner, y downwards."""

    @functools.cached_property
    def sides(self) -> Ints:
        """Give by image width, height, width and height in pixels."""
        return np.column_stack([self.width, self.height] * 2)

    @functools.cached_property
    def pixels(self) -> Ints:
        """Give by image the number of its pixels."""
        return np.asarray(self.width * self.height)

    @functools.cached_property
    def frames(self) -> Geometries:
        """Give by image its whole area."""
        none = np.zeros(len(self.images))
        return np.asarray(shapely.box(none, none, *self.sides[:, :2].T.astype(np.float64)))

    @functools.cached_property
    def box(self) -> Floats:
        """Give left, top, right and bottom in pixels."""
        box: Floats = shapely.bounds(self.geometry)
        return box

    @functools.cached_property
    def dimensions(self) -> Ints:
        """Give 0 for points, 1 for lines and 2 for areas."""
        return shapely.get_dimensions(self.geometry).astype(np.int64)

    @functools.cached_property
    def area(self) -> Floats:
        """Give the areas in square pixels."""
        area: Floats = shapely.area(self.geometry)
        return area

    @functools.cached_property
    def name(self) -> Ints:
        """Give the concept that names each."""
        return self.concepts.lead[self.listed]

    @functools.cached_property
    def centre(self) -> Floats:
        """Give x and y of the centre of each box."""
        return np.asarray((self.box[:, :2] + self.box[:, 2:]) / 2)

    @functools.cached_property
    def rank(self) -> Ints:
        """Give how many things of its image stand before each."""
        return counted_in(self.image)

    @functools.cached_property
    def _objects(self) -> tuple[pa.StringArray, Ints]:
        encoded = self.object_ids.dictionary_encode()
        order = pc.array_sort_indices(encoded.dictionary).to_numpy()
        number = np.empty(len(order), np.int64)
        number[order] = np.arange(len(order))
        return encoded.dictionary.take(pa.array(order)), number[encoded.indices.to_numpy()]

    @property
    def objects(self) -> pa.StringArray:
        """Give the ids of all objects, in alphabetical order."""
        return self._objects[0]

    @property
    def object(self) -> Ints:
        """Give the number of the object of each."""
        return self._objects[1]

    def all_things(self, image: Ints) -> tuple[Ints, Ints]:
        """Give all things of the given images: the index of its image in ``image``, and its row."""
        start, end = np.searchsorted(self.image, [image, image + 1])
        sizes = end - start
        return np.repeat(np.arange(len(image)), sizes), np.repeat(start, sizes) + counted(sizes)

    @functools.cached_property
    def areas(self) -> Groups:
        """Give the areas of each image by the concept that they show.

        Only concepts that name a thing are given, where `all_told` holds for image and concept.
        """
        told = self.all_told(*np.divmod(self.named, len(self.concepts.all)))
        groups = self.group(self.named[told])
        area = self.dimensions[groups.things] == 2
        sizes = np.bincount(groups.of[area], minlength=len(groups.keys))
        return Groups(groups.keys, groups.image, groups.things[area], sizes)

    @functools.cached_property
    def _shown(self) -> tuple[Ints, Ints]:
        """Give things and concepts that they show, ordered by image, concept and thing."""
        things, shown = columns_of(self.concepts.shows, self.listed)
        order = np.argsort(self.keys(self.image[things], shown), kind="stable")
        return things[order], shown[order]

    def keys(self, image: Ints, concept: Ints) -> Ints:
        """Give one number for an image and a concept."""
        return image * len(self.concepts.all) + concept

    @functools.cached_property
    def named(self) -> Ints:
        """Give the keys of the images and the concepts that name a thing in them."""
        return np.unique(self.keys(self.image, self.name))

    @functools.cached_property
    def _shown_keys(self) -> Ints:
        things, shown = self._shown
        return self.keys(self.image[things], shown)

    def group(self, keys: Ints) -> Groups:
        """Give the things of each key of an image and a concept, in their order."""
        first = np.searchsorted(self._shown_keys, keys, "left")
        sizes = np.searchsorted(self._shown_keys, keys, "right") - first
        things = self._shown[0][np.repeat(first, sizes) + counted(sizes)]
        return Groups(keys, keys // len(self.concepts.all), things, sizes)

    @functools.cached_property
    def sole(self) -> Bools:
        """Tell whether each is surely the only one in its image that shows what names it."""
        keys, number = np.unique(self.keys(self.image, self.name), return_inverse=True)
        known = self.all_known(*np.divmod(keys, len(self.concepts.all)))
        return np.asarray(((self.group(keys).sizes == 1) & known)[number])

    def all_known(self, image: Ints, concept: Ints) -> Bools:
        """Tell whether an image surely shows nothing of a concept besides its things."""
        return np.asarray(~self._at_edge[image, concept] & self.all_told(image, concept))

    def all_told(self, image: Ints, concept: Ints) -> Bools:
        """Tell whether OSM decides, for every object in an image, if it shows a concept.

        For an object that is tagged only as a building, it does not decide if it is a house.
        """
        row, above = columns_of(self.concepts.is_kind, concept)
        untold = self._most_specific[image[row], above]
        return np.asarray(self.is_complete[image] & (np.bincount(row, untold, len(image)) == 0))

    @functools.cached_property
    def _most_specific(self) -> Bools:
        """Tell by image and concept what OSM says of an object in or at it, and no more."""
        images = np.append(self.image, self.edge_image)
        lists = np.append(self.listed, self.edge_listed)
        return self._have(images, lists, self.concepts.most_specific)

    @functools.cached_property
    def _at_edge(self) -> Bools:
        """Tell by image and concept whether something of the concept is at the edge."""
        return self._have(self.edge_image, self.edge_listed, self.concepts.shows)

    def _have(self, image: Ints, listed: Ints, by_list: Bools) -> Bools:
        """Tell by image and concept whether a list of the image has it, by list and concept."""
        have = np.zeros((len(self.images), len(self.concepts.all)), bool)
        row, concept = columns_of(by_list, listed)
        have[image[row], concept] = True
        return have

    @functools.cached_property
    def near(self) -> Ints:
        """Give the pairs of things in an image whose boxes are near: 2 x n, ascending."""
        wider = self.box + np.array([-NEAR, -NEAR, NEAR, NEAR]) / 2
        return np.stack(meeting_boxes(wider, self.image))

    @functools.cached_property
    def meeting(self) -> Ints:
        """Give the pairs of things in an image whose boxes meet: 2 x n, ascending."""
        (left, top, right, bottom), (west, north, east, south) = (
            self.box[side].T for side in self.near
        )
        across, down = (left <= east) & (west <= right), (top <= south) & (north <= bottom)
        return np.asarray(self.near[:, across & down])

    @functools.cached_property
    def overlaps(self) -> tuple[Ints, Ints]:
        """Give the pairs of things of one concept, no lines, that share more than their borders.

        Given are the pairs, 2 x n, and for each the key of the image and the concept.
        """
        shows = np.packbits(self.concepts.shows[:, np.unique(self.name)], axis=1)
        one, other = self.listed[self.meeting]
        alike = (shows[one] & shows[other]).any(axis=1)
        alike &= (self.dimensions[self.meeting] != 1).all(axis=0)
        groups = self.group(self.named)
        pair, group = pairs_within(groups, *self.meeting[:, alike])
        used, of = np.unique(pair, return_inverse=True)
        one, other = self.meeting[:, np.flatnonzero(alike)[used]]
        first, second = self.geometry[one], self.geometry[other]
        some = shapely.intersects(first, second)
        some[some] = ~shapely.touches(first[some], second[some])
        kept = some[of]
        return np.stack([one[of[kept]], other[of[kept]]]), groups.keys[group[kept]]


def once(make: Callable[[Scenes], Made]) -> Callable[[Scenes], Made]:
    """Let a function compute its result of a shard once: several kinds of statements need it."""
    made: weakref.WeakKeyDictionary[Scenes, Made] = weakref.WeakKeyDictionary()

    @functools.wraps(make)
    def give(scenes: Scenes) -> Made:
        if scenes not in made:
            made[scenes] = make(scenes)
        return made[scenes]

    return give
