"""Plants known faults among the pairs of a run, and measures which column of scores finds them.

``python -m tests.stages.planted_noise RUN OUT`` prints the table of ``docs/filtering.md``: the area
under the curve of each column against each kind of fault, and of the learned mix.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from PIL import Image

from pipeline.run import Run
from pipeline.stage import Shard
from skyscript import chance
from skyscript.imagery.fitness import fitness_of
from stages import tables
from stages.filter import FilterConfig, filter_csv
from stages.filter.logistic import area_under_curve
from stages.match import MatchConfig
from stages.match.stage import match
from tests.conftest import skyscript

SHARE = 0.08
"""Of all pairs, those of each kind of fault."""
KINDS = ("wrong tag", "swapped pair", "shifted image", "cloud", "blank")
SCORES = ("similarity_CLIP_tiny", "normalised_CLIP_tiny", "similarity_CLIP_tiny_multi_objects")
FIGURES = ("clear", "unhazed", "filled", "sharpness", "match", "match_confidence", "lowest_phrase")
COLUMNS = (*SCORES, *FIGURES)


def faults(paths, seed=0):
    """Give the kind of fault of each pair by its path; None for a good one."""
    draws = chance.uniforms(seed, paths, "fault")
    return [KINDS[int(draw / SHARE)] if draw < SHARE * len(KINDS) else None for draw in draws]


def shifted(rgb):
    """Move what an image shows by a third of its width, as a wrong georeference does."""
    return np.roll(rgb, rgb.shape[1] // 3, axis=1)


def clouded(rgb, number):
    """Lay soft, bright and nearly grey clouds over more than half of an image."""
    rng = np.random.default_rng(number)
    noise = cv2.GaussianBlur(rng.standard_normal(rgb.shape[:2]), (0, 0), max(rgb.shape) / 8)
    cover = 1 / (1 + np.exp(-(noise - np.quantile(noise, 0.4)) / noise.std() * 6))[:, :, None]
    return np.round(rgb * (1 - cover) + 235 * cover).astype(np.uint8)


def blank(rgb):
    """Fill most of an image with the black of missing data."""
    rgb = rgb.copy()
    rgb[:, rgb.shape[1] // 6 :] = 0
    return rgb


def plant(run, out):
    """Write the pairs of a run with faults; give their rows and the kind of each fault."""
    captions = run.table(tables.CAPTIONS.name).to_table(filter=pc.field("status") == "ok")
    rows = captions.select(["object_id", "filepath", "title", "title_multi_objects"]).to_pylist()
    kinds = faults([row["filepath"] for row in rows])
    titles = [(row["title"], row["title_multi_objects"]) for row in rows]
    for number, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
        rgb = np.array(Image.open(run.root / row["filepath"]))
        others = [one for one in titles if one[0] != row["title"]]
        other = others[int(chance.uniform(1, row["filepath"], "other") * len(others))]
        if kind == "swapped pair":
            row["title"], row["title_multi_objects"] = other
        if kind == "wrong tag":  # the surroundings stay
            around = row["title_multi_objects"][len(row["title"]) :]
            row["title"], row["title_multi_objects"] = other[0], other[0] + around
        if kind in {"shifted image", "cloud", "blank"}:
            rgb = {"shifted image": shifted, "blank": blank}.get(
                kind, lambda rgb, number=number: clouded(rgb, number)
            )(rgb)
        (out / row["filepath"]).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(out / row["filepath"], quality=90)
    pa.csv.write_csv(pa.Table.from_pylist(rows), out / "pairs.csv")
    return rows, kinds


def measure_columns(run, out, rows):
    """Write all columns to ``columns.csv``; a missing value becomes the median of its column."""
    done = skyscript(
        "score", "--images", out, "--captions", out / "pairs.csv", "--model", "tiny",
        "--phrases", "--out", out / "scored",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (csv,) = (out / "scored").glob("*_scored_by_CLIP_tiny.csv")
    scored = pa.csv.read_csv(csv)
    matched = _match(run, out, {row["object_id"] for row in rows})
    fit = [_fitness(out / row["filepath"]) for row in rows]
    columns = {name: scored[name].to_numpy().astype(float) for name in SCORES}
    columns |= dict(zip(FIGURES[:4], np.array(fit).T, strict=True))
    for name in ("match", "match_confidence"):
        columns[name] = np.array([matched[row["object_id"]][name] for row in rows], float)
    phrases = scored["phrases_CLIP_tiny"].cast(pa.string()).to_pylist()
    columns["lowest_phrase"] = np.array(
        [min(map(float, text.split(";"))) if text else np.nan for text in phrases]
    )
    for values in columns.values():
        values[~np.isfinite(values)] = np.nanmedian(values)
    names = ["filepath", "title", "title_multi_objects"]
    texts = {name: [row[name] for row in rows] for name in names}
    pa.csv.write_csv(pa.table(texts | columns), out / "columns.csv")
    return columns


def _fitness(path):
    rgb = np.array(Image.open(path))
    fit = fitness_of(rgb, np.ones(rgb.shape[:2], bool), 1.0)
    return 1 - fit.cloud_share, 1 - fit.haze, 1 - fit.blank_share, fit.sharpness


def _match(run, out, wanted):
    images = run.table(tables.IMAGES.name).to_table()
    images = images.filter(pc.is_in(images["object_id"], pa.array(sorted(wanted))))
    found = match(
        images, run.table(tables.OBJECTS.name), run.table(tables.VOCAB.name),
        config=MatchConfig(), shard=Shard(0, out),
    )  # fmt: skip
    return {row["object_id"]: row for row in found.to_pylist()}


def areas(columns, kinds):
    """Give the area under the curve of each column, for each kind of fault against good pairs."""
    good = np.array([kind is None for kind in kinds])
    result = {}
    for kind in (*KINDS, "all"):
        of_kind = good | np.array([kind in {"all", one} for one in kinds])
        result[kind] = {
            name: area_under_curve(values[of_kind], good[of_kind].astype(int))
            for name, values in columns.items()
        }
    return result


def learn(out, rows, kinds):
    """Let the filter learn the mix; give its areas under the curve on pairs that it did not see."""
    labels = {"filepath": [row["filepath"] for row in rows]}
    labels["label"] = [int(kind is None) for kind in kinds]
    pa.csv.write_csv(pa.table(labels), out / "labels.csv")
    config = FilterConfig(
        split="random", test_rows=0, val_rows=0, by=COLUMNS, combine="learned",
        labels=out / "labels.csv", top=(60,),
    )  # fmt: skip
    mix = filter_csv(out / "columns.csv", out / "filtered", config).mix
    (file,) = (out / "filtered").glob("SkyScript_train_top60pct*.csv")
    kept = set(pa.csv.read_csv(file)["filepath"].to_pylist())
    bad = [
        kind is not None for row, kind in zip(rows, kinds, strict=True) if row["filepath"] in kept
    ]
    return mix.area, float(np.mean(bad))


def experiment(root, out):
    """Give the areas of the columns by kind of fault and of the mix, and the faults that stay."""
    run = Run(root)
    rows, kinds = plant(run, out)
    columns = measure_columns(run, out, rows)
    mix, left = learn(out, rows, kinds)
    return areas(columns, kinds), mix, left


def _main(root, out):
    by_kind, mix, left = experiment(Path(root), Path(out))
    print("column".ljust(36) + "".join(kind.rjust(15) for kind in by_kind))
    for name in COLUMNS:
        print(name.ljust(36) + "".join(f"{one[name]:15.3f}" for one in by_kind.values()))
    print(json.dumps({name: round(area, 3) for name, area in mix.items()}), f"left {left:.3f}")


if __name__ == "__main__":
    _main(*sys.argv[1:3])
