"""NormSim and NormSim-2D beside their definitions, written out."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from skyscript.clip.vectors.store import Store
from stages import tables
from stages.normsim import NormSimConfig, job, normsim
from tests.conftest import assert_close

WIDTH = 6


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def scored(root, vectors, folder="CLIP_x-abc"):
    """Store vectors and make the table of scores that names them; one image has none."""
    assert len(vectors) <= 100, "the CSV is in the order of the paths, here of two digits"
    digests = [f"{number:032x}" for number in range(len(vectors))]
    store = Store(root / "embeddings" / folder / "images", WIDTH, np.float32)
    store.add([bytes.fromhex(one) for one in digests], vectors, [0] * len(vectors))
    rows = [
        {"row": number, "filepath": f"{number:02}.jpg", "content_hash": digest}
        for number, digest in enumerate([*digests, None])
    ]
    rows = [{**row, "scorer": "CLIP_x", "vectors": folder, "status": "ok"} for row in rows]
    rows.append({**rows[0], "row": len(rows)})  # a second caption of the first image
    rows[-2] |= {"status": "failed", "reason": "there is no such image"}
    return ds.dataset(pa.Table.from_pylist(rows, schema=tables.PAIR_SCORES.schema))


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def removal_order(vectors, rounds, keep):
    """Remove images round by round, as the paper says: cosines with every image that is left."""
    left = list(range(len(vectors)))
    last = max(1, len(vectors) * keep // 100)
    gone = []
    for number in range(1, rounds + 1):
        norm = {one: np.sqrt(np.mean((vectors[left] @ vectors[one]) ** 2)) for one in left}
        size = len(vectors) - (len(vectors) - last) * number // rounds
        left.sort(key=lambda one: -norm[one])
        gone = [*left[size:], *gone]
        left = left[:size]
    return [*left, *gone]


@pytest.mark.parametrize("batch", [7, 8192])
def test_the_columns_are_what_their_definitions_say(tmp_path, monkeypatch, batch):
    monkeypatch.setattr(job, "_BATCH", batch)
    monkeypatch.setattr(job, "_TARGETS", 3)
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(40, WIDTH)) + 0.5).astype(np.float32)
    targets = unit(rng.normal(size=(5, WIDTH))).astype(np.float32)
    config = NormSimConfig(rounds=4, keep=20)
    table = scored(tmp_path, vectors)
    done = normsim(tmp_path, table, tmp_path / "n.csv", config, lambda folder: targets)
    assert done == (40, 5)
    rows = read(tmp_path / "n.csv")
    assert [row["filepath"] for row in rows] == [f"{number:02}.jpg" for number in range(40)]
    cosines = vectors @ targets.T
    assert_close([float(row["normsim"]) for row in rows], cosines.max(axis=1))
    assert_close([float(row["normsim_2"]) for row in rows], np.sqrt((cosines**2).mean(axis=1)))
    stays = sorted(range(40), key=lambda one: -float(rows[one]["normsim_2d"]))
    assert stays == removal_order(vectors.astype(float), 4, 20)


def test_without_targets_only_the_order_of_removal_is_known(tmp_path):
    vectors = unit(np.random.default_rng(1).normal(size=(9, WIDTH))).astype(np.float32)
    table = scored(tmp_path, vectors)
    normsim(tmp_path, table, tmp_path / "n.csv", NormSimConfig(), None)
    rows = read(tmp_path / "n.csv")
    assert {row["normsim"] for row in rows} == {""}
    assert len({row["normsim_2d"] for row in rows}) == 9


def test_an_image_unlike_the_others_goes_first(tmp_path):
    vectors = np.tile(np.eye(WIDTH, dtype=np.float32)[0], (10, 1))
    vectors[4] = np.eye(WIDTH)[1]
    normsim(tmp_path, scored(tmp_path, vectors), tmp_path / "n.csv", NormSimConfig(), None)
    rows = read(tmp_path / "n.csv")
    assert min(rows, key=lambda row: float(row["normsim_2d"]))["filepath"] == "04.jpg"


def test_targets_of_another_model_are_refused(tmp_path):
    table = scored(tmp_path, np.eye(WIDTH, dtype=np.float32))
    with pytest.raises(InputError, match="its vectors have 6 dimensions, those of the targets 2"):
        normsim(
            tmp_path, table, tmp_path / "n.csv", NormSimConfig(), lambda _: np.eye(2, dtype="f4")
        )


def test_of_several_folders_of_vectors_one_must_be_named(tmp_path):
    vectors = unit(np.random.default_rng(5).normal(size=(6, WIDTH))).astype(np.float32)
    tables_of = [scored(tmp_path, vectors[:3], name) for name in ("CLIP_x-abc", "CLIP_y-def")]
    both = ds.dataset(pa.concat_tables([one.to_table() for one in tables_of]))
    out = tmp_path / "normsim.csv"
    with pytest.raises(InputError, match="name one with --vectors: CLIP_x-abc, CLIP_y-def"):
        normsim(tmp_path, both, out, NormSimConfig(), None)
    with pytest.raises(InputError, match="no vectors 'CLIP_z'; --vectors takes one of: CLIP_x"):
        normsim(tmp_path, both, out, NormSimConfig(vectors="CLIP_z"), None)
    assert normsim(tmp_path, both, out, NormSimConfig(vectors="CLIP_y-def"), None).images == 3


def test_a_folder_of_targets_without_images_is_refused(tmp_path):
    pytest.importorskip("torch")
    from stages.normsim.targets import vectors_of

    (tmp_path / "readme.txt").write_text("no image")
    with pytest.raises(InputError, match="contains no image to compare with"):
        vectors_of(tmp_path, NormSimConfig(), "CLIP_tiny-abc")
