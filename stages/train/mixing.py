"""The texts of a pair in an epoch: its caption, one of several, and false statements on its image.

Seed, epoch and row decide them, so they depend on neither the number of worker processes nor the
step from which a training goes on.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.storage import Place
from skyscript import chance
from skyscript.files.image_tables import Lists
from skyscript.files.statements import read_statements
from stages.train.config import SAID, TrainConfig

log = logging.getLogger(__name__)

NONE = -1
"""The number of a caption that a pair lacks."""
PARTIAL = ("region", "referring")
"""Kinds of statements that name a part of the image, and not what the image shows."""
ORIENTED = ("direction", "not_direction")
"""Kinds that a turned image makes false, or true."""


class Statements(NamedTuple):
    """Sentences on the images of pairs: numbers of texts."""

    true: Lists
    false: Lists
    image_of: NDArray[np.int64]
    """For each row, the number of its image."""
    identity: str
    """A digest of the content."""


class Drawn(NamedTuple):
    """The texts of a pair in an epoch, by their numbers."""

    caption: int
    negatives: tuple[int, ...]


class TextChoice(NamedTuple):
    """The texts from which those of a pair are drawn."""

    columns: NDArray[np.int32]
    """The captions of each row, by column; `NONE` where it has none."""
    weights: NDArray[np.float64]
    """The weights of the columns, and behind them that of a true statement."""
    statements: Statements | None = None

    @classmethod
    def of(cls, columns: NDArray[np.int32], config: TrainConfig) -> TextChoice:
        """Make it for the columns that are trained on, without statements."""
        weights = config.caption_weights or {}
        values = [weights.get(name, 1.0) for name in config.caption_columns()]
        return cls(columns, np.array([*values, weights.get(SAID, 0.0)]))

    def draw(self, seed: int, key: str, row: int, negatives: int) -> Drawn:
        """Draw the caption of a row, and at most ``negatives`` false statements."""
        true = false = np.empty(0, np.int32)
        if self.statements is not None:
            image = int(self.statements.image_of[row])
            true, false = self.statements.true.row(image), self.statements.false.row(image)
        has = np.append(self.columns[row] >= 0, len(true) > 0)
        ends = np.cumsum(self.weights * has)
        at = int(np.searchsorted(ends, chance.uniform(seed, key, "caption") * ends[-1], "right"))
        if at < len(self.columns[row]):
            caption = int(self.columns[row][at])
        else:
            caption = int(true[int(chance.uniform(seed, key, "statement") * len(true))])
        if not negatives:
            return Drawn(caption, ())
        draws = chance.uniforms(seed, [f"{key}:{n}" for n in range(len(false))], "negative")
        return Drawn(caption, tuple(false[np.argsort(draws)[:negatives]].tolist()))


def statements_of(
    path: Place, images: pa.Array, captions: pa.Array, config: TrainConfig
) -> tuple[Statements, pa.Array]:
    """Read the statements on the images of pairs. Gives them, and the captions with their texts.

    ``images`` has the path of each row. Raises `InputError` if there is no statement that the
    options ask for.
    """
    encoded = images.dictionary_encode()
    image_of = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    left_out = PARTIAL + (ORIENTED if config.random_rotation else ())
    said = read_statements(path, encoded.dictionary, left_out)
    _check_roles(path, said.true, said.false, config)
    known = pc.index_in(said.texts, value_set=captions)
    is_new = known.is_null()
    news = said.texts.filter(is_new)
    numbers = pc.fill_null(known, 0).to_numpy(zero_copy_only=False).astype(np.int32)
    added = is_new.to_numpy(zero_copy_only=False)
    numbers[added] = len(captions) + np.arange(len(news))
    true, false = (
        of._replace(values=numbers[of.values] if len(numbers) else of.values)
        for of in (said.true, said.false)
    )
    if config.random_rotation and SAID in (config.caption_weights or {}):
        log.info(
            "%s: statements on directions are left out, because images are turned at random",
            path,
        )
    return Statements(true, false, image_of, said.identity), pa.concat_arrays([captions, news])


def _check_roles(path: Place, true: Lists, false: Lists, config: TrainConfig) -> None:
    """Raise `InputError` if the table lacks the true or the false sentences that are needed."""
    if SAID in (config.caption_weights or {}) and not len(true.values):
        raise InputError(
            f"{path}: has no true sentence to train on; name kinds such as count or relation in "
            "statements.kinds of the run."
        )
    if config.hard_negatives and not len(false.values):
        raise InputError(
            f"{path}: has no false sentence for hard_negatives; name kinds such as not_count in "
            "statements.kinds of the run (not_direction only serves without random_rotation)."
        )
