"""Builds the set from a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.atomic import write_json
from pipeline.errors import InputError
from pipeline.out_folder import replace_folder
from pipeline.schema import STATUS_OK
from skyscript import chance
from stages.classification.certain import Others, judge_others, keep_certain
from stages.classification.classes import Choice, Mentions, choose_classes, read_mentions
from stages.classification.config import ClassificationConfig
from stages.classification.held_out import (
    Candidates,
    HeldOutObjects,
    draw_candidates,
    find_held_out,
)
from stages.classification.outputs import (
    HELD_OUT_OBJECTS,
    MARKS,
    REPORT,
    write_set,
    write_training,
)
from stages.classification.spatial import Places, Rows, read_places

_MOST_REJECTED = 500
"""Maximum number of rejected candidates in the report: the most frequent ones."""


class Built(NamedTuple):
    """The figures of a set."""

    classes: int
    images: int
    drawn_from: int
    """Number of images that the set could use."""
    held_out_objects: int
    """Number of objects that training must not use."""
    training: Mapping[str, int]
    """The number of pairs removed from each captions file."""
    others: Others | None
    """The shares that `judge_others` gives; None if the run has no table ``truth``."""

    def lines(self) -> list[str]:
        """Describe the figures in lines for the terminal."""
        return [
            f"{self.classes:>10,}  classes, {self.images:,} images, of {self.drawn_from:,} set "
            "aside",
            f"{self.held_out_objects:>10,}  objects that training must leave out",
            *(f"{count:>10,}  pairs left out of {name}" for name, count in self.training.items()),
            *([self.others.line()] if self.others else []),
        ]


def build_classification(
    meta: ds.Dataset,
    run: Path,
    out: Path,
    config: ClassificationConfig,
    *,
    truth: ds.Dataset | None = None,
    training: Sequence[Path] = (),
) -> Built:
    """Build the set of a run in ``out``, whose parent is the benchmark root. Returns the figures.

    The captions files ``training`` are copied without the objects that training must not use.
    Raises `InputError` if the run has fewer classes or images than the options require, or no truth
    although they require it.
    """
    truth = _choose_truth(run, truth, config)
    places = read_places(meta)
    if not len(places.boxes):
        raise InputError(f"{run}: has no image with tags to choose from.")
    candidates = draw_candidates(places, config)
    mentions = read_mentions(meta, candidates.eligible)
    certain = None
    if truth is not None:
        certain = keep_certain(mentions, meta, truth, places, candidates.eligible)
        mentions = certain.mentions
    choice = choose_classes(mentions, len(places.boxes), config)
    if len(choice.rows) < config.classes:
        raise InputError(_explain_shortage(run, places, candidates, choice, config))
    chosen = {
        label: _draw_images(places, rows, config) for label, rows in sorted(choice.rows.items())
    }
    others = judge_others(chosen, certain) if certain else None
    every = np.concatenate(list(chosen.values()))
    held_out = find_held_out(places, candidates, every, config)
    names: list[str] = places.object_ids.take(pa.array(held_out.rows)).to_pylist()
    paths = _read_paths(meta, every)
    with replace_folder(out, MARKS, "build-classification") as folder:
        images = {label: [paths[row] for row in rows.tolist()] for label, rows in chosen.items()}
        write_set(folder, out.name, run, images, config.images)
        lines = "".join(f"{name}\n" for name in names)
        (folder / HELD_OUT_OBJECTS).write_text(lines, "utf-8")
        removed = {str(file): write_training(folder, file, set(names)) for file in training}
        report = _make_report(config, places, candidates, mentions, choice, held_out)
        more = {"training": removed, "other_classes_by_truth": others and others._asdict()}
        write_json(folder / REPORT, report | more)
    drawn_from = int(candidates.eligible.sum())
    return Built(len(chosen), len(every), drawn_from, len(names), removed, others)


def _choose_truth(
    run: Path, truth: ds.Dataset | None, config: ClassificationConfig
) -> ds.Dataset | None:
    if config.shown == "all":
        return None
    if truth is None and config.shown == "yes":
        raise InputError(
            f"{run}: has no table truth, which shown=yes needs; a run makes it if its config has "
            "density.cell."
        )
    return truth


def _draw_images(places: Places, rows: Rows, config: ClassificationConfig) -> Rows:
    """Draw a class's images. Returns their rows in the order of the run."""
    names = places.object_ids.take(pa.array(rows)).to_pylist()
    order = sorted(
        zip(names, rows.tolist(), strict=True),
        key=lambda one: (chance.uniform(config.seed, one[0], "image"), one),
    )
    return np.sort(np.array([row for _, row in order[: config.per_class]], np.int64))


def _read_paths(meta: ds.Dataset, rows: Rows) -> dict[int, str]:
    """Read the image path of each row."""
    ok = pc.field("status") == STATUS_OK
    paths = meta.to_table(columns=["filepath"], filter=ok).column(0)
    every = np.sort(rows)
    return dict(zip(every.tolist(), paths.take(pa.array(every)).to_pylist(), strict=True))


def _explain_shortage(
    run: Path, places: Places, candidates: Candidates, choice: Choice, config: ClassificationConfig
) -> str:
    why = Counter(choice.not_chosen.values())
    reasons = "; ".join(f"{count:,} tags: {reason}" for reason, count in why.most_common())
    remedy = "hold out more (max_held_out), " if not config.trained_on else ""
    return (
        f"{run}: {len(choice.rows)} classes of {config.per_class} images can be made of the "
        f"{int(candidates.eligible.sum()):,} images set aside (of {len(places.boxes):,}), but "
        f"the options require {config.classes} ({reasons}). Lower --classes or --per-class, "
        f"{remedy}or choose ambiguous=focus."
    )


def _make_report(
    config: ClassificationConfig,
    places: Places,
    candidates: Candidates,
    mentions: Mentions,
    choice: Choice,
    held_out: HeldOutObjects,
) -> dict[str, Any]:
    others = sorted(choice.not_chosen, key=lambda phrase: (-mentions.tagged[phrase], phrase))
    return {
        "options": config.model_dump(mode="json", exclude={"trained_on"}),
        "images_of_the_run": len(places.boxes),
        "images_set_aside": int(candidates.eligible.sum()),
        "trained_on_already": len(candidates.trained),
        "objects_that_training_must_leave_out": len(held_out.rows),
        "blocks_that_training_must_leave_out": held_out.blocks,
        "classes": [
            {
                "class": phrase,
                "tags": mentions.tags[phrase],
                "images": mentions.tagged[phrase],
                "images_that_show_it": len(mentions.focus[phrase]),
                "images_that_show_no_other_class": len(rows),
                "chosen": config.per_class,
            }
            for phrase, rows in sorted(choice.rows.items())
        ],
        "not_chosen": [
            {
                "class": phrase,
                "images": mentions.tagged[phrase],
                "images_that_show_it": len(mentions.focus[phrase]),
                "why": choice.not_chosen[phrase],
            }
            for phrase in others[:_MOST_REJECTED]
        ],
    }
