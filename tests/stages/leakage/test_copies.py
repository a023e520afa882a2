"""Copies of benchmark images are found however they were changed, and other images are not."""

import cv2
import numpy as np
import pytest

from stages.leakage.alignment import correlate, same_at
from stages.leakage.config import LeakageConfig
from stages.leakage.features import find_features, mirrored, shrunk, sketch, thumbnail, words_of
from stages.leakage.pictures import Picture
from stages.leakage.search import Looked, find_copies
from tests.stages.leakage.planted import measure, plant
from tests.stages.leakage.villages import COPIES, jpeg, village

IMAGES = [village(number) for number in range(4)]


def compare(folder, theirs, ours, **options):
    """Write images (arrays or bytes) as files and give the pairs, and what could not be read."""
    looked = []

    def write(side, images):
        (folder / side).mkdir(exist_ok=True)
        for number, image in enumerate(images):
            path = folder / side / f"{number}"
            path.write_bytes(image if isinstance(image, bytes) else jpeg(image))
            yield Picture("set" if side == "theirs" else "", path.name, path, None)

    config = LeakageConfig(**options)
    both = [list(write(side, some)) for side, some in (("theirs", theirs), ("ours", ours))]
    found = list(find_copies(both[0], lambda: iter(both[1]), config, folder, Looked(looked, int)))
    return found, looked


@pytest.mark.parametrize("kind", COPIES)
def test_a_changed_copy_is_found_and_no_other_image(tmp_path, kind):
    copies = [COPIES[kind](image, np.random.default_rng(7)) for image in IMAGES[:2]]
    found, looked = compare(tmp_path, IMAGES[1:], copies)
    assert [(match.ours, match.theirs, match.kind) for match in found] == [("1", "0", "near")]
    assert 0 <= found[0].distance <= 0.2
    assert looked == []


def test_the_overlap_says_how_much_of_the_benchmark_is_seen(tmp_path):
    half = IMAGES[0][:, : IMAGES[0].shape[1] // 2]
    (match,), _ = compare(tmp_path, [IMAGES[0]], [half])
    assert match.overlap == pytest.approx(0.5, abs=0.02)


def test_the_same_file_and_the_same_pixels_are_told_apart(tmp_path):
    from io import BytesIO

    from PIL import Image

    data, png = jpeg(IMAGES[0]), BytesIO()
    Image.open(BytesIO(data)).save(png, "PNG")
    found, _ = compare(tmp_path, [data, png.getvalue()], [data])
    assert [(match.theirs, match.kind, match.distance) for match in found] == [
        ("0", "bytes", 0.0),
        ("1", "pixels", 0.0),
    ]


def test_images_that_show_nothing_are_no_copies_unless_they_are_equal(tmp_path):
    grey, white = (np.full((64, 64, 3), value, np.uint8) for value in (128, 250))
    found, _ = compare(tmp_path, [grey], [grey, white, jpeg(grey, 30)])
    assert [match.ours for match in found if match.kind == "near"] == []
    assert "0" in {match.ours for match in found}
    assert "1" not in {match.ours for match in found}


def test_smooth_images_without_features_are_compared_as_a_whole(tmp_path):
    along = np.linspace(0, 4 * np.pi, 96)
    waves = np.round(127 + 90 * np.sin(along)[:, None] * np.cos(along / 3)[None]).astype(np.uint8)
    image = np.repeat(waves[:, :, None], 3, axis=2)
    found, _ = compare(tmp_path, [image], [np.rot90(image), image.transpose(1, 0, 2)[:48]])
    assert ("0", "near") in {(match.ours, match.kind) for match in found}


def test_two_beaches_are_not_the_same_because_sand_is_bright_and_water_is_dark():
    def beach(seed):
        shore = 190 / (1 + np.exp((np.arange(224) - 100) / 30))[:, None] + 30
        stones = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 90, (224, 224)), (0, 0), 3)
        return np.clip(shore + stones, 0, 255).astype(np.uint8)

    one, other = (sketch(jpeg(np.repeat(beach(seed)[:, :, None], 3, axis=2))) for seed in (0, 1))
    assert correlate(thumbnail(one.grey), thumbnail(other.grey)) > 0.9
    assert same_at(one, other.grey, 0).correlation < 0.3
    assert same_at(one, np.rot90(one.grey), 1).correlation > 0.95


def test_a_broken_image_is_named_and_the_others_are_compared(tmp_path):
    found, looked = compare(tmp_path, [b"no image", IMAGES[0]], [b"", IMAGES[0]])
    assert [(match.ours, match.theirs) for match in found] == [("1", "1")]
    assert [(picture.path, reason) for picture, reason in looked] == [
        ("0", "is not an image"),
        ("0", "the image file is empty"),
    ]


def test_a_copy_with_noise_is_found(tmp_path):
    noise = np.random.default_rng(0).normal(0, 20, IMAGES[0].shape)
    noisy = np.clip(IMAGES[0] + noise, 0, 255).astype(np.uint8)
    (match,), _ = compare(tmp_path, [IMAGES[0]], [noisy], correlation=0.5)
    assert 0 < match.distance < 0.5


def test_the_features_of_the_mirror_image_follow_from_those_of_the_image():
    grey = shrunk(IMAGES[0])
    derived = mirrored(find_features(grey), grey.shape[1])
    found = find_features(np.ascontiguousarray(grey[:, ::-1]))
    shared = np.isin(words_of(derived), words_of(found)).any(axis=1).mean()
    unturned = np.isin(words_of(find_features(grey)), words_of(found)).any(axis=1).mean()
    assert shared > 0.8
    assert unturned < shared / 3


@pytest.mark.slow
def test_planted_copies_are_found_with_recall_and_precision_of_99_percent(tmp_path):
    theirs, ours, truth = plant(tmp_path, village, 60, 12, 20, COPIES)
    _, overall, precision, wrong = measure(theirs, ours, truth, tmp_path)
    assert overall >= 0.99
    assert precision >= 0.99, wrong
