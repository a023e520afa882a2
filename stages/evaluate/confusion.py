"""The confusion matrix: its counts, and its drawing as a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.atomic import write_file

_LEAST, _MOST, _SIDE = 12, 44, 1000
"""Smallest and largest side of a cell, and the preferred side of the whole matrix, in pixels."""
_NUMBERS = 26
"""Smallest side, in pixels, of a cell that shows its percentage."""
_MARGIN = 12
_INK = (30, 41, 59)
_FULL = np.array([12, 74, 110])
_LONG = 28


Ints = NDArray[np.int64]


def count_confusions(labels: Ints, predicted: Ints, count: int) -> Ints:
    """Count images by true class (row) and predicted class (column)."""
    cells = np.bincount(labels * count + predicted, minlength=count * count)
    return cells.reshape(count, count).astype(np.int64)


def draw_confusion(path: Path, cells: Ints, classes: Sequence[str], title: str) -> None:
    """Draw the matrix as a PNG. Each cell shows its share of the true class (row)."""
    side = int(np.clip(_SIDE // len(classes), _LEAST, _MOST))
    font = ImageFont.load_default(size=max(9, min(14, side - 2)))
    names = [name if len(name) <= _LONG else name[: _LONG - 1] + "…" for name in classes]
    room = int(max(font.getlength(name) for name in [*names, "class"])) + 2 * _MARGIN
    whole = side * len(classes)
    top = 3 * _MARGIN + 16
    sheet = Image.new("RGB", (room + whole + 2 * _MARGIN, top + whole + room), "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((_MARGIN, _MARGIN), title, _INK, ImageFont.load_default(size=15))
    shares = cells / np.maximum(1, cells.sum(1, keepdims=True))
    _draw_cells(pen, shares, side, (room, top), font)
    for at, name in enumerate(names):
        middle = top + at * side + side // 2
        pen.text((room - 6, middle), name, _INK, font, anchor="rm")
        _draw_vertical(sheet, name, (room + at * side + side // 2, top + whole + 6), font)
    pen.rectangle((room, top, room + whole, top + whole), outline=_INK)
    write_file(path, lambda temporary: sheet.save(temporary, "PNG"))


def _draw_cells(
    pen: ImageDraw.ImageDraw,
    shares: NDArray[np.float64],
    side: int,
    corner: tuple[int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    for row, column in np.argwhere(shares > 0).tolist():
        share = float(shares[row, column])
        x, y = corner[0] + column * side, corner[1] + row * side
        colour = tuple((255 - (255 - _FULL) * share**0.7).astype(int).tolist())
        pen.rectangle((x, y, x + side - 1, y + side - 1), fill=colour)
        if side >= _NUMBERS:
            ink = "white" if share > 0.5 else _INK
            middle = (x + side // 2, y + side // 2)
            pen.text(middle, f"{share * 100:.0f}", ink, font, anchor="mm")


def _draw_vertical(
    sheet: Image.Image,
    name: str,
    head: tuple[int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Write a name vertically, below ``head`` and centred on it."""
    left, top, right, bottom = (int(value) for value in font.getbbox(name))
    label = Image.new("RGB", (max(1, right - left), max(1, bottom - top)), "white")
    ImageDraw.Draw(label).text((-left, -top), name, _INK, font)
    turned = label.rotate(90, expand=True)
    sheet.paste(turned, (head[0] - turned.width // 2, head[1]))
