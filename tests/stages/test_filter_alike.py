"""Near-duplicates by the stored CLIP vectors: of a scored CSV, and of a run."""

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.errors import InputError
from skyscript.clip.vectors.store import Store, content_key
from stages.filter import FilterConfig, filter_csv
from tests.stages.test_filter import HEADER, TRAIN, all_for_training, read, write
from tests.stages.test_filter_run import NAMES, run_filter  # noqa: F401 - a fixture

ANGLES = [0, 5, 90, 93, 180, 230, 5]
"""Direction of the vector of each image in degrees; the last image has the bytes of the second."""
CONTENTS = [content_key(bytes([number])) for number in (0, 1, 2, 3, 4, 5, 1)]
COSINE = float(np.cos(np.radians(10)))


def store_vectors(folder, contents=CONTENTS[:6]):
    turned = np.radians(ANGLES[: len(contents)])
    vectors = np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)
    Store(folder / "images", 2, np.float16).add(contents, vectors, [0] * len(contents))
    return folder


def scored(tmp_path, contents=CONTENTS):
    """The later a pair, the higher its score."""
    rows = [
        [f"images2/a{n}_CH_20.jpg", "a road", "", n / 10, key.hex() if key else ""]
        for n, key in enumerate(contents)
    ]
    return write(tmp_path / "in.csv", rows, [*HEADER, "content_hash"])


def kept(tmp_path, source, **options):
    config = all_for_training(**{"top": (100,), "alike": COSINE, "max_per_image": 1, **options})
    vectors = tmp_path / "embeddings/CLIP_x-0"
    done = filter_csv(source, tmp_path / "out", config, vectors=vectors)
    paths = [row["filepath"] for row in read(tmp_path / "out" / TRAIN.format(100))]
    return [int(path.split("/a")[1].split("_")[0]) for path in paths], done


@pytest.mark.slow
def test_of_images_with_nearly_the_same_vector_the_best_pairs_stay(tmp_path):
    store_vectors(tmp_path / "embeddings/CLIP_x-0")
    found, _ = kept(tmp_path, scored(tmp_path))
    assert found == [3, 4, 5, 6]  # 6 shows what 1 shows, and 0 nearly
    two, _ = kept(tmp_path, scored(tmp_path), max_per_image=2)
    assert two == [1, 2, 3, 4, 5, 6]
    wide, _ = kept(tmp_path, scored(tmp_path), alike=0.5)
    assert wide == [3, 5, 6]


def test_the_cut_still_has_its_exact_size_and_the_hash_serves_too(tmp_path):
    store_vectors(tmp_path / "embeddings/CLIP_x-0")
    header, *rows = scored(tmp_path).read_text().splitlines()
    hashes = ["1", "ff", "ffff", "ffffff", "ffffffff", "0", "ff"]
    lines = [f"{row},{look}" for row, look in zip(rows, hashes, strict=True)]
    (tmp_path / "in.csv").write_text("\n".join([f"{header},image_hash", *lines]) + "\n")
    found, _ = kept(tmp_path, tmp_path / "in.csv")
    assert found == [3, 4, 5, 6]
    config = all_for_training(top=(50,), alike=COSINE, max_per_image=1)
    done = filter_csv(
        tmp_path / "in.csv", tmp_path / "out", config, vectors=tmp_path / "embeddings/CLIP_x-0"
    )
    assert done.files[0].rows == 3


def test_what_the_comparison_needs_is_named(tmp_path):
    source = scored(tmp_path)
    with pytest.raises(InputError, match=r"CLIP_x-0/images: contains no vectors"):
        kept(tmp_path, source)
    store_vectors(tmp_path / "embeddings/CLIP_x-0", CONTENTS[:4])
    with pytest.raises(InputError, match=r"has no vector of 2 of 6 images .* score again"):
        kept(tmp_path, source)
    with pytest.raises(InputError, match=r"alike compares vectors; name their folder with --vec"):
        filter_csv(source, tmp_path / "out", all_for_training(alike=0.9, max_per_image=1))
    bad = source.read_text().replace(CONTENTS[2].hex(), "zz")
    source.write_text(bad)
    with pytest.raises(InputError, match=r"line 4: content_hash is 'zz', not a content hash of 32"):
        kept(tmp_path, source)
    with pytest.raises(ValidationError, match="alike is used by max_per_image only"):
        FilterConfig(alike=0.9)


def test_a_run_compares_the_vectors_of_its_own_scores(run_filter, tmp_path):  # noqa: F811
    contents = [content_key(name.encode()) for name in NAMES]
    store = Store(tmp_path / "embeddings/x/images", 2, np.float16)
    vectors = np.array([[1, 0]] * 3 + [[0, number + 1] for number in range(7)], np.float32)
    store.add(contents, vectors, [0] * 10)
    _, found = run_filter(alike=0.99, max_per_image=1, contents=contents)
    assert found == [NAMES[0], NAMES[3]]
