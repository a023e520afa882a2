"""Pictures of kinds that are easily told apart, and one that are not pictures."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def ground(seed: int) -> Image.Image:
    """Give a field in rows, from above."""
    draw = np.random.default_rng(seed)
    noise = draw.normal(0, 18, (64, 64, 3))
    rows = 25 * np.sin(np.arange(64) * draw.uniform(0.4, 1.2))[:, None, None]
    colour = draw.uniform((70, 90, 40), (130, 140, 90))
    pixels = np.clip(colour + noise + rows, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).resize((224, 224))


def poster(seed: int) -> Image.Image:
    """Give bright shapes and words on one colour."""
    draw = np.random.default_rng(1000 + seed)
    image = Image.new("RGB", (224, 224), tuple(draw.integers(150, 255, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(4):
        x, y, side = draw.integers(10, 150, 3).tolist()
        pen.ellipse((x, y, x + side, y + side), fill=tuple(draw.integers(0, 255, 3).tolist()))
    pen.text((30, 100), "SALE " * 5, fill="black")
    return image


def jpeg(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.convert("RGB").save(data, "JPEG", quality=90)
    return data.getvalue()


def bomb() -> bytes:
    """Give a PNG of a few bytes that claims 40,000 x 40,000 pixels."""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def folder_of(folder: Path, images: dict[str, bytes]) -> Path:
    for name, data in images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder
