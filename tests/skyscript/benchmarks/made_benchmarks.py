"""Benchmarks made for tests, and a model that knows colours, so that its answers are known."""

import csv
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from skyscript.benchmarks import find_present
from skyscript.benchmarks.layout import Benchmark
from skyscript.clip.model import Clip

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "white": (255, 255, 255),
}
RIGHT = [(colour, colour) for colour in ("red", "green", "blue", "white")]
NWPU = "img_txt_pairs_train.csv"


def write_rows(path: Path, header: list[str], rows: list[list[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def write_image(path: Path, colour: tuple[int, ...], size: int = 16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), colour).save(path)


def colour_set(
    root: Path,
    name: str,
    csv_name: str,
    images: list[tuple[str, str]],
    classes: str = "red\ngreen\nblue\nwhite\n",
    column: str = "label",
    classnames: str = "classnames.txt",
) -> None:
    """Lay out a set of plain images: the colour that each shows, and its label."""
    rows = []
    for number, (shown, label) in enumerate(images):
        path = f"{name}/images/{number}.png"
        write_image(root / path, COLOURS[shown])
        rows.append([path, label])
    write_rows(root / name / csv_name, ["filepath", column], rows)
    (root / name / classnames).write_text(classes)


def made(root: Path, images: list[tuple[str, str]], **more: str) -> Benchmark:
    """Lay out NWPU as plain images, and find it."""
    colour_set(root, "nwpu", NWPU, images, **more)
    (benchmark,) = find_present(root, ["nwpu"])
    return benchmark


def lay_out_pictures(root: Path) -> None:
    """Lay out a set of scenes, both sets of roofs and a set of captions: noise in many colours."""
    draw = np.random.default_rng(7)
    names = ["airport", "beach", "farmland", "forest", "harbour", "quarry"]
    scenes, roofs, captions = [], [], []
    for number in range(36):
        pixels = draw.normal(draw.uniform(40, 215, 3), 30, (96, 96, 3)).clip(0, 255)
        name = names[number % 6]
        for folder in ("aid", "roof_shape", "RSICD"):
            path = root / folder / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
        scenes.append([f"aid/{number}.png", name])
        roofs.append([f"roof_shape/{number}.png", name, "AB"[number % 2]])
        for caption in (f"a {name}", f"a {name} in the {number % 5}th valley"):
            captions.append([f"RSICD/{number}.png", caption])
    write_rows(root / "aid/aid_img_txt_pairs_test.csv", ["filepath", "label"], scenes)
    header = ["filepath", "label_v1", "label_v2"]
    write_rows(root / "roof_shape/img_txt_pairs_test.csv", header, roofs)
    write_rows(root / "RSICD/RSICD_img_txt_pairs_test.csv", ["filepath", "title"], captions)
    for path in ("aid/classnames.txt", "roof_shape/classnames_v1.txt"):
        (root / path).write_text("\n".join(names))
    (root / "roof_shape/classnames_v2.txt").write_text("A\nB\n")


class Words:
    """A tokenizer: a text is its number among those seen, which are kept."""

    def __init__(self):
        self.seen = []

    def __call__(self, texts):
        for text in texts:
            if text not in self.seen:
                self.seen.append(text)
        return torch.tensor([[self.seen.index(text)] for text in texts])


class KnowsColours(torch.nn.Module):
    """Its vectors: of an image its mean colour, of a text the colour that it names."""

    def __init__(self, words):
        super().__init__()
        self.words = words
        self.encoded = 0

    def encode_image(self, images):
        assert not self.training
        self.encoded += len(images)
        return images.mean((2, 3)) + 1e-3

    def encode_text(self, tokens):
        found = []
        for (number,) in tokens.tolist():
            named = [c for c in COLOURS if c in self.words.seen[number]]
            colour = COLOURS[named[0]] if named else (128, 0, 255)
            found.append(torch.tensor(colour) / 255 + 1e-3)
        return torch.stack(found)


PREPROCESS = {
    "size": 16,
    "mode": "RGB",
    "mean": (0.0, 0.0, 0.0),
    "std": (1.0, 1.0, 1.0),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}


def knowing(image_batch: int = 0) -> Clip:
    """Give a model that knows colours."""
    words = Words()
    return Clip(KnowsColours(words), words, PREPROCESS, "cpu", image_batch)
