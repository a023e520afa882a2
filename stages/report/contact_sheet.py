"""A contact sheet: a JPEG of some tiles of the run, with their captions."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.storage import Place
from skyscript.files.tar_places import InTars, find_image
from skyscript.images.decode import Unusable, decode
from stages.report.sheet_tiles import Card

if TYPE_CHECKING:
    from PIL import Image

COLUMNS = 6
SIDE = 240
"""Pixels of a tile on the sheet."""
_GAP = 8
_LINES = 3
_LINE_HEIGHT = 15
_LETTERS = 36
"""Letters in a line of a caption."""
_FONT_SIZE = 13
_QUALITY = 85
_CELL = (SIDE + _GAP, SIDE + 2 * _GAP + _LINES * _LINE_HEIGHT)


def draw_contact_sheet(cards: Sequence[Card], root: Place, inside: InTars) -> bytes:
    """Draw the tiles of ``cards``, six in a row, above their captions. Returns a JPEG.

    The sheet shows the central square of each tile, and at most three lines of each caption. A tile
    that cannot be decoded is white. ``inside`` has the images in tars, by path.
    """
    from PIL import Image

    rows = -(-len(cards) // COLUMNS)
    size = (min(len(cards), COLUMNS) * _CELL[0] + _GAP, rows * _CELL[1])
    sheet = Image.new("RGB", size, "white")
    for number, card in enumerate(cards):
        row, column = divmod(number, COLUMNS)
        data = find_image(root, card.filepath, inside).read_bytes()
        _draw(sheet, card, data, (_GAP + column * _CELL[0], _GAP + row * _CELL[1]))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _draw(sheet: Image.Image, card: Card, image: bytes, corner: tuple[int, int]) -> None:
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    pixels = decode(image)
    if not isinstance(pixels, Unusable):
        sheet.paste(ImageOps.fit(Image.fromarray(pixels), (SIDE, SIDE)), corner)
    lines = textwrap.wrap(card.title, _LETTERS, max_lines=_LINES, placeholder=" …")
    x, y = corner[0], corner[1] + SIDE + _GAP // 2
    font = ImageFont.load_default(_FONT_SIZE)
    ImageDraw.Draw(sheet).text((x, y), "\n".join(lines), fill="black", font=font, spacing=2)
