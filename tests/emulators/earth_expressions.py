"""Evaluates the expression graphs that clients send, as far as the functions below go.

A function that is not here is refused by name, so that a test never passes on a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from shapely.geometry import Point, mapping, shape
from shapely.geometry.base import BaseGeometry

from tests.emulators.earth_images import (
    EarthImage,
    Grid,
    Refused,
    Samples,
    invalid,
    transformer,
)

Assets = Mapping[str, Sequence[EarthImage]]
"""Collection id -> its images."""


@dataclass(frozen=True)
class Mosaic:
    """Images one over the other: the last one is on top, as in Earth Engine."""

    images: Sequence[EarthImage]

    def sample_bytes(self) -> int:
        return max(image.sample_bytes() for image in self.images)

    def pixels(self, grid: Grid, bands: Sequence[str]) -> tuple[Samples, Samples]:
        samples, valid = self.images[0].pixels(grid, bands)
        for image in self.images[1:]:
            above, there = image.pixels(grid, bands)
            samples, valid = np.where(there[..., None], above, samples), valid | there
        return samples, valid


@dataclass(frozen=True)
class Resampled:
    """An image that interpolates between its pixels."""

    image: EarthImage
    mode: str

    def sample_bytes(self) -> int:
        return self.image.sample_bytes()

    def pixels(self, grid: Grid, bands: Sequence[str]) -> tuple[Samples, Samples]:
        return self.image.pixels(grid, bands, self.mode)


@dataclass(frozen=True)
class Framed:
    """An image with the grid on which it is to be drawn: what downloads ask for."""

    image: EarthImage
    grid: Grid

    def pixels(self, grid: Grid, bands: Sequence[str]) -> tuple[Samples, Samples]:
        return self.image.pixels(grid, bands)


class Evaluator:
    """Evaluates one expression."""

    def __init__(
        self, expression: Mapping[str, Any], images: Mapping[str, EarthImage], collections: Assets
    ) -> None:
        self._values = expression["values"]
        self._result = expression["result"]
        self._images, self._collections = images, collections
        self._functions: dict[str, Callable[..., Any]] = {
            "ImageCollection.load": self._load_collection,
            "Image.load": self._load_image,
            "ImageCollection.fromImages": lambda images: list(images),
            "ImageCollection.mosaic": lambda collection: Mosaic(collection),
            "Collection.filter": lambda collection, filter: [i for i in collection if filter(i)],
            "Collection.limit": _limit,
            "Collection.toList": lambda collection, count, offset=0: list(
                collection[int(offset) : int(offset) + int(count)]
            ),
            "Filter.intersects": _intersects,
            "Filter.lessThan": _less_than,
            "Filter.not": lambda filter: lambda image: not filter(image),
            "Filter.dateRangeContains": _in_dates,
            "DateRange": lambda start, end: (_millis(start), _millis(end)),
            "Projection": lambda crs: crs,
            "Image.resample": _resample,
            "Image.select": lambda input, bandSelectors: _select(input, bandSelectors),
            "Image.projection": lambda image: {
                "type": "Projection",
                "crs": image.crs,
                "transform": list(image.transform),
            },
            "Image.setDefaultProjection": lambda image, crs, crsTransform: image,
            "Image.clipToBoundsAndScale": _frame,
            "GeometryConstructors.Rectangle": lambda coordinates, **_: coordinates,
            "Feature": lambda geometry, metadata=None: geometry,
            "GeometryConstructors.Point": lambda coordinates, **_: Point(coordinates),
            "Image.geometry": lambda feature, **_: feature.footprint(),
            "Geometry.coordinates": lambda geometry: mapping(geometry)["coordinates"],
            "Element.get": lambda object, property: _property(object, property),
            "List.get": lambda list, index: list[int(index)],
            "List.map": lambda list, baseAlgorithm, dropNulls=False: [
                baseAlgorithm(item) for item in list
            ],
        }

    def value(self) -> Any:
        """Give the result, as the service would put it in JSON."""
        return self._node(self._values[self._result], {})

    def _node(self, node: Mapping[str, Any], scope: Mapping[str, Any]) -> Any:
        ((kind, given),) = node.items()
        match kind:
            case "constantValue" | "integerValue":
                return given
            case "valueReference":
                return self._node(self._values[given], scope)
            case "argumentReference":
                return scope[given]
            case "arrayValue":
                return [self._node(item, scope) for item in given["values"]]
            case "dictionaryValue":
                return {key: self._node(item, scope) for key, item in given["values"].items()}
            case "functionDefinitionValue":
                names, body = given["argumentNames"], self._values[given["body"]]
                return lambda *items: self._node(
                    body, {**scope, **dict(zip(names, items, strict=True))}
                )
            case "functionInvocationValue":
                return self._call(given, scope)
        raise invalid(f"Invalid ValueNode {kind}.")

    def _call(self, given: Mapping[str, Any], scope: Mapping[str, Any]) -> Any:
        name = given["functionName"]
        if name not in self._functions:
            raise Refused(501, "UNIMPLEMENTED", f"the emulator has no {name}")
        arguments = {key: self._node(item, scope) for key, item in given["arguments"].items()}
        return self._functions[name](**arguments)

    def _load_collection(self, id: str) -> list[EarthImage]:
        if id not in self._collections:
            raise invalid(f"ImageCollection.load: ImageCollection asset '{id}' not found.")
        return list(self._collections[id])

    def _load_image(self, id: str) -> EarthImage:
        if id not in self._images:
            raise invalid(f"Image.load: Image asset '{id}' not found.")
        return self._images[id]


def _property(image: EarthImage, name: str) -> Any:
    known = {
        "system:index": image.asset_id.rpartition("/")[2],
        "system:time_start": image.start.timestamp() * 1000,
    }
    return known.get(name, image.properties.get(name))


def _limit(
    collection: list[EarthImage], limit: int, key: str | None = None, ascending: bool = True
) -> list[EarthImage]:
    if key is not None:
        collection = sorted(
            collection, key=lambda image: float(_property(image, key)), reverse=not ascending
        )
    return collection[: int(limit)]


def _intersects(leftField: str, rightValue: Any) -> Callable[[EarthImage], bool]:
    if leftField != ".all":
        raise invalid(f"the emulator filters bounds by .all, not by {leftField}")
    region = rightValue if isinstance(rightValue, BaseGeometry) else shape(rightValue)
    return lambda image: bool(image.footprint().intersects(region))


def _less_than(leftField: str, rightValue: float) -> Callable[[EarthImage], bool]:
    def passes(image: EarthImage) -> bool:
        value = _property(image, leftField)
        return value is not None and value < rightValue

    return passes


def _in_dates(leftValue: tuple[float, float], rightField: str) -> Callable[[EarthImage], bool]:
    first, end = leftValue
    return lambda image: first <= _property(image, rightField) < end


def _resample(image: EarthImage, mode: str = "bilinear") -> Resampled:
    if mode not in ("bilinear", "bicubic"):
        raise invalid(f"Image.resample: unknown mode {mode}.")
    return Resampled(image, mode)


def _select(image: EarthImage, bands: Sequence[str]) -> EarthImage:
    for band in bands:
        image.number(band)
    return image


def _frame(input: EarthImage, geometry: Any, width: float, height: float) -> Framed:
    west, south, east, north = geometry
    (left, right), (bottom, top) = transformer("EPSG:4326", "EPSG:3857").transform(
        [west, east], [south, north]
    )
    columns, rows = int(width), int(height)
    pixel = (right - left) / columns, (bottom - top) / rows
    return Framed(input, Grid("EPSG:3857", (pixel[0], 0, left, 0, pixel[1], top), columns, rows))


def _millis(value: Any) -> float:
    if isinstance(value, str):
        return float(np.datetime64(value, "ms").astype(np.int64))
    return float(value)
