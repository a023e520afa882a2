"""Describes an image so that its copies are found: digests, a global hash and local features.

The local features are SIFT's, which stay the same if an image is cropped, rotated, resized,
recompressed or made brighter. Those of the mirrored image follow from them, so all eight symmetries
need one look. A feature is looked up by words: each word is the signs of some random projections
(locality-sensitive hashing), so features that are nearly equal share some of their words.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.atomic import content_id
from skyscript.clip.vectors.pixels import likeness
from skyscript.images.decode import BENCHMARK, Pixels, Unusable, decode

SIDE = 320
"""Images are shrunk to this many pixels on the longer side before features are looked for."""
MOST = 256
"""Features of an image: the strongest ones."""
_CONTRAST = 0.004
"""SIFT's threshold: a tenth of the usual one, because water and desert have little contrast."""
BITS, TABLES = 21, 6
"""Bits of a word, and words of a feature."""
_THUMBNAIL = 64

Words = NDArray[np.uint32]
Grey = NDArray[np.uint8]


class Features(NamedTuple):
    """The strongest local features of an image."""

    places: NDArray[np.float32]
    """(features, 2): x and y in pixels of the shrunk image."""
    vectors: NDArray[np.uint8]
    """(features, 128), as SIFT gives them."""


class Sketch(NamedTuple):
    """The digests, hashes and features of an image by which it is compared."""

    content: str
    """Digest of the file."""
    pixels: str
    """Digest of the decoded pixels."""
    hashes: list[int]
    """Perceptual hashes of the eight symmetries of the image; the first is its own."""
    features: Features
    grey: Grey


def sketch(data: bytes) -> Sketch | Unusable:
    """Describe an image file, or give the reason why it cannot be decoded."""
    image = decode(data, BENCHMARK)
    if isinstance(image, Unusable):
        return image
    grey = shrunk(image)
    shape = "x".join(map(str, image.shape)).encode()
    return Sketch(
        content_id(data),
        content_id(shape + b" " + image.tobytes()),
        [likeness(np.repeat(one[:, :, None], 3, axis=2)) for one in symmetries(thumbnail(grey))],
        find_features(grey),
        grey,
    )


def shrunk(image: Pixels) -> Grey:
    """Give an image in grey, at most `SIDE` pixels long."""
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = SIDE / max(grey.shape)
    if scale < 1:
        size = [max(1, round(length * scale)) for length in grey.shape[::-1]]
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)


def thumbnail(grey: Grey) -> Grey:
    """Give a small square of an image, whatever its shape."""
    import cv2

    small = cv2.resize(grey, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def symmetries(square: Grey) -> list[Grey]:
    """Give a square as it is, in its four rotations, and the same of its mirror image."""
    return [
        np.ascontiguousarray(np.rot90(side, turn))
        for side in (square, square[:, ::-1])
        for turn in range(4)
    ]


@functools.cache
def _detector() -> Any:  # noqa: ANN401 - OpenCV has no types
    import cv2

    cv2.setNumThreads(1)  # images are worked on in parallel
    sift = cv2.SIFT_create  # type: ignore[attr-defined]
    return sift(nfeatures=MOST, contrastThreshold=_CONTRAST)


def find_features(grey: Grey) -> Features:
    """Find the strongest local features; an even image has none."""
    points, vectors = _detector().detectAndCompute(grey, None)
    if vectors is None:
        return Features(np.empty((0, 2), np.float32), np.empty((0, 128), np.uint8))
    places = np.array([point.pt for point in points[:MOST]], np.float32)
    return Features(places, vectors[:MOST].astype(np.uint8))


def mirrored(features: Features, width: int) -> Features:
    """Give the features of the mirror image of an image of this width."""
    places = features.places.copy()
    places[:, 0] = width - 1 - places[:, 0]
    return Features(places, features.vectors[:, _MIRROR])


_MIRROR = np.array(
    [
        ((3 - row) * 4 + column) * 8 + (-angle) % 8
        for row in range(4)
        for column in range(4)
        for angle in range(8)
    ]
)
"""A SIFT vector counts 8 angles in 4 x 4 cells of a frame that is turned to the feature's own
direction. In the mirror image the rows are in reverse order, and the angles too."""


def normalised(features: Features) -> NDArray[np.float32]:
    """Give vectors of length 1 (RootSIFT), whose scalar product tells how alike features are."""
    vectors = features.vectors.astype(np.float32)
    rooted: NDArray[np.float32] = np.sqrt(vectors / np.maximum(vectors.sum(1, keepdims=True), 1))
    return rooted


def words_of(features: Features) -> Words:
    """Give the words of each feature: (features, `TABLES`); the table is part of the word."""
    signs = (normalised(features) @ _projections() > 0).reshape(-1, TABLES, BITS)
    words: Words = (signs @ (1 << np.arange(BITS))).astype(np.uint32)
    words += np.arange(TABLES, dtype=np.uint32) << BITS
    return words


@functools.cache
def _projections() -> NDArray[np.float32]:
    """Give fixed random projections, the same in every command; they ignore the mean."""
    draw = np.random.default_rng(0).standard_normal((128, TABLES * BITS))
    projections: NDArray[np.float32] = (draw - draw.mean(axis=0)).astype(np.float32)
    return projections
