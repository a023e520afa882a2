"""From a run to the set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.errors import InputError
from pipeline.schema import STATUS_OK
from skyscript import chance
from stages.classification.classes import Choice, Mentions, choose_classes, mentions_of
from stages.classification.config import ClassificationConfig
from stages.classification.held_out import (
    Candidates,
    HeldOutObjects,
    draw_candidates,
    held_out_objects,
)
from stages.classification.outputs import (
    replaced,
    write_held_out_objects,
    write_report,
    write_set,
    write_training,
)
from stages.classification.spatial import Places, Rows, places_of

_NAMED = 500
"""Tags that the report says of why they are no class: the most frequent ones."""


class Built(NamedTuple):
    """What was built."""

    classes: int
    images: int
    drawn_from: int
    """Images of the run that the set could be made of."""
    held_out_objects: int
    """Objects that training must not use."""
    training: Mapping[str, int]
    """The pairs removed from each captions file that was written again."""

    def lines(self) -> list[str]:
        """Say it, a line each."""
        return [
            f"{self.classes:>10,}  classes, {self.images:,} images, of {self.drawn_from:,} set "
            "aside",
            f"{self.held_out_objects:>10,}  objects that training must leave out",
            *(f"{count:>10,}  pairs left out of {name}" for name, count in self.training.items()),
        ]


def build_classification(
    meta: ds.Dataset,
    run: Path,
    out: Path,
    config: ClassificationConfig,
    *,
    training: Sequence[Path] = (),
) -> Built:
    """Build the set of a run in ``out``, whose parent is the benchmark root; say what came out.

    ``training`` are captions files to write again without what training must leave out. Raises
    `InputError` where there are fewer classes or images than asked for.
    """
    places = places_of(meta)
    if not len(places.boxes):
        raise InputError(f"{run}: has no image with tags to choose from.")
    candidates = draw_candidates(places, config)
    mentions = mentions_of(meta, candidates.eligible)
    choice = choose_classes(mentions, len(places.boxes), config)
    if len(choice.rows) < config.classes:
        raise InputError(_too_few(run, places, candidates, choice, config))
    chosen = {label: _drawn(places, rows, config) for label, rows in sorted(choice.rows.items())}
    every = np.concatenate(list(chosen.values()))
    lost = held_out_objects(places, candidates, every, config)
    names: list[str] = places.object_ids.take(pa.array(lost.rows)).to_pylist()
    paths = _paths(meta, every)
    with replaced(out) as folder:
        images = {label: [paths[row] for row in rows.tolist()] for label, rows in chosen.items()}
        write_set(folder, out.name, run, images, config.images)
        write_held_out_objects(folder, names)
        left = {str(file): write_training(folder, file, set(names)) for file in training}
        report = _report(config, places, candidates, mentions, choice, lost)
        write_report(folder, report | {"training": left})
    return Built(len(chosen), len(every), int(candidates.eligible.sum()), len(names), left)


def _drawn(places: Places, rows: Rows, config: ClassificationConfig) -> Rows:
    """Draw a class's images; in the order of the run."""
    names = places.object_ids.take(pa.array(rows)).to_pylist()
    order = sorted(
        zip(names, rows.tolist(), strict=True),
        key=lambda one: (chance.uniform(config.seed, one[0], "image"), one),
    )
    return np.sort(np.array([row for _, row in order[: config.per_class]], np.int64))


def _paths(meta: ds.Dataset, rows: Rows) -> dict[int, str]:
    """Give the image path of each row."""
    ok = pc.field("status") == STATUS_OK
    paths = meta.to_table(columns=["filepath"], filter=ok).column(0)
    every = np.sort(rows)
    return dict(zip(every.tolist(), paths.take(pa.array(every)).to_pylist(), strict=True))


def _too_few(
    run: Path, places: Places, candidates: Candidates, choice: Choice, config: ClassificationConfig
) -> str:
    why = Counter(choice.not_chosen.values())
    reasons = "; ".join(f"{count:,} tags: {reason}" for reason, count in why.most_common())
    remedy = "hold out more (max_held_out), " if not config.trained_on else ""
    return (
        f"{run}: {len(choice.rows)} classes of {config.per_class} images can be made of the "
        f"{int(candidates.eligible.sum()):,} images set aside (of {len(places.boxes):,}), and "
        f"{config.classes} were asked for ({reasons}). Lower --classes or --per-class, "
        f"{remedy}or choose ambiguous=focus."
    )


def _report(
    config: ClassificationConfig,
    places: Places,
    candidates: Candidates,
    mentions: Mentions,
    choice: Choice,
    lost: HeldOutObjects,
) -> dict[str, Any]:
    others = sorted(choice.not_chosen, key=lambda phrase: (-len(mentions.focus[phrase]), phrase))
    return {
        "options": config.model_dump(mode="json", exclude={"trained_on"}),
        "images_of_the_run": len(places.boxes),
        "images_set_aside": int(candidates.eligible.sum()),
        "trained_on_already": len(candidates.trained),
        "objects_that_training_must_leave_out": len(lost.rows),
        "blocks_that_training_must_leave_out": lost.blocks,
        "classes": [
            {
                "class": phrase,
                "tags": mentions.tags[phrase],
                "images": len(mentions.focus[phrase]),
                "images_that_show_no_other_class": len(rows),
                "chosen": config.per_class,
            }
            for phrase, rows in sorted(choice.rows.items())
        ],
        "not_chosen": [
            {
                "class": phrase,
                "images": len(mentions.focus[phrase]),
                "why": choice.not_chosen[phrase],
            }
            for phrase in others[:_NAMED]
        ],
    }
