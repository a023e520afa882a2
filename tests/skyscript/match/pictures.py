"""Pictures of a made-up place, and the outlines that were drawn."""

import cv2
import numpy as np

from skyscript.match.edge_lines import Pieces

GROUND, ROOF = (95, 110, 80), (175, 160, 150)


def ring(*corners):
    """Give the sides of a polygon as pieces."""
    start = np.array(corners, float)
    return Pieces(np.hstack([start, np.roll(start, -1, axis=0)]), np.zeros(len(start)))


def together(*several):
    return Pieces(*(np.concatenate(values) for values in zip(*several, strict=True)))


def moved(pieces, right, down):
    return Pieces(pieces.ends + np.tile([right, down], 2), pieces.width)


def houses(side, count=14, seed=3):
    """Give outlines of houses that are turned in all directions, in pixels."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        centre, (a, b) = rng.uniform(0, side, 2), rng.uniform(8, 22, 2)
        turn = rng.uniform(0, np.pi)
        u, v = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        yield [centre + x * a * u + y * b * v for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]


def picture(side, shapes, seed=5):
    """Draw areas brighter than a rough ground; whole numbers are borders of pixels."""
    rgb = np.full((side, side, 3), GROUND, np.uint8)
    for shape in shapes:
        corners = np.round((np.array(shape) - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(rgb, [corners], ROOF, cv2.LINE_AA, shift=4)
    noise = np.random.default_rng(seed).normal(0, 6, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)
