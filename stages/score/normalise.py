"""Normalised score (negCLIPLoss): how well a pair matches, compared with random partners.

The cosine depends on the caption as much as on the match: "swimming pool" scores higher than
"surface of asphalt" for any image. So a threshold on the cosine drops whole tags. This stage
subtracts the mean similarity of the image to other captions and of the caption to other images (the
log of the mean exponential, as in the contrastive loss): negCLIPLoss, Wang et al. 2024, arXiv
2405.19547. It needs only the stored vectors.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray
from pydantic import Field

from pipeline.cpus import count_cpus
from pipeline.errors import InputError
from pipeline.schema import STATUS_OK, Table
from pipeline.stage import DatasetStage, StageConfig
from pipeline.storage import Place
from pipeline.worker_process import worker_number
from skyscript import chance
from skyscript.clip.text import describe_cut
from skyscript.clip.vectors.store import Store, text_key
from stages import tables

log = logging.getLogger(__name__)

Numbers = NDArray[np.float32]
_ROWS_A_THREAD = 256
"""Rows that one thread computes at once; its arrays then stay in the cache of its CPU."""


class NormaliseConfig(StageConfig):
    """The random partners of a pair."""

    seed: int = Field(0, description="Seed the random draw of the partners.")
    partners: int = Field(
        1024, ge=1, description="Compare each pair with this many other pairs, drawn at random."
    )
    temperature: float = Field(
        0.01,
        gt=0,
        description="Use this temperature in the mean over a pair's similarities to its `partners` "
        "(other pairs, drawn at random). The lower it is, the more only the most similar partners "
        "count. CLIP's own temperature is 0.01.",
    )


class _Partners(NamedTuple):
    titles: NDArray[np.object_]
    images: Numbers
    texts: Numbers


class _Stores(NamedTuple):
    images: Store
    texts: Store

    def vectors(self, hashes: list[str], titles: list[str]) -> tuple[Numbers, Numbers]:
        images = self.images.get([bytes.fromhex(name) for name in hashes])
        texts = self.texts.get([text_key(title) for title in titles])
        for found, store in ((images, self.images), (texts, self.texts)):
            if not found.is_stored.all():
                raise InputError(
                    f"{store.folder}: vectors are missing there, which the stage `score` had "
                    "stored. Run `skyscript verify` on the folder of the run, then the same "
                    "command again."
                )
        return images.vectors, texts.vectors


def _normalise(
    pairs: ds.Dataset, scores: ds.Dataset, writes: Table, config: NormaliseConfig, root: Place
) -> Iterator[pa.Table]:
    """Give the table part by part; ``pairs`` has the titles, in the same parts and order."""
    partners: _Partners | None = None
    stores: _Stores | None = None
    _log_cut(scores)
    for titled, scored in zip(pairs.get_fragments(), scores.get_fragments(), strict=True):
        titles = titled.to_table(columns=["title"]).column(0).to_pylist()
        rows = scored.to_table(schema=scores.schema)
        found: list[float | None] = [None] * len(titles)
        usable = _usable_rows(rows, titles)
        if usable:
            if stores is None:
                folder = root / "embeddings" / rows["vectors"][usable[0]].as_py()
                stores = _Stores(
                    Store.open_existing(folder / "images"), Store.open_existing(folder / "texts")
                )
                partners = _draw_partners(pairs, scores, stores, writes.key, config)
            assert partners is not None  # drawn with the stores
            hashes = rows["content_hash"].to_pylist()
            usable_titles = [titles[row] for row in usable]
            vectors = stores.vectors([hashes[row] for row in usable], usable_titles)
            values = _subtract_means(*vectors, usable_titles, partners, config)
            for row, value in zip(usable, values.tolist(), strict=True):
                found[row] = value
        yield pa.table(
            [rows[writes.key], rows["scorer"], pa.array(found, pa.float32())], schema=writes.schema
        )


def _log_cut(scores: ds.Dataset) -> None:
    """Say how many captions are longer than the model's context."""
    for column, what in (("cut", "titles"), ("cut_multi_objects", "captions of all objects")):
        count = scores.count_rows(filter=pc.field(column))
        if count:
            log.warning(
                "%s",
                describe_cut(count, scores.count_rows(filter=pc.field(column).is_valid()), what),
            )


def _usable_rows(rows: pa.Table, titles: list[str | None]) -> list[int]:
    """Give the numbers of the rows that have a title and a score."""
    return [
        row
        for row, (status, title, score) in enumerate(
            zip(rows["status"].to_pylist(), titles, rows["similarity"].to_pylist(), strict=True)
        )
        if status == STATUS_OK and title and score is not None
    ]


def _draw_partners(
    pairs: ds.Dataset, scores: ds.Dataset, stores: _Stores, key: str, config: NormaliseConfig
) -> _Partners:
    """Draw the partners from all pairs: those with the lowest random numbers."""

    def all_pairs() -> Iterator[tuple[float, str, str]]:
        for titled, scored in zip(pairs.get_fragments(), scores.get_fragments(), strict=True):
            titles = titled.to_table(columns=["title"]).column(0).to_pylist()
            rows = scored.to_table(
                schema=scores.schema, columns=[key, "status", "similarity", "content_hash"]
            )
            names, hashes = rows[key].to_pylist(), rows["content_hash"].to_pylist()
            for row in _usable_rows(rows, titles):
                draw = chance.uniform(config.seed, str(names[row]), "partner")
                yield draw, hashes[row], titles[row]

    drawn = heapq.nsmallest(config.partners, all_pairs())
    titles = [title for _, _, title in drawn]
    images, texts = stores.vectors([name for _, name, _ in drawn], titles)
    return _Partners(np.array(titles, object), images, texts)


def _subtract_means(
    images: Numbers, texts: Numbers, titles: list[str], partners: _Partners, config: NormaliseConfig
) -> Numbers:
    """Subtract the mean similarity to the partners; skip partners with the same title."""
    same = _are_equal(titles, partners.titles.tolist())
    of_image = _log_mean_exp(images @ partners.texts.T, same, config.temperature)
    of_text = _log_mean_exp(texts @ partners.images.T, same, config.temperature)
    own = np.einsum("ij,ij->i", images, texts)
    normalised: Numbers = (own - (of_image + of_text) / 2).astype(np.float32)
    return normalised


def _are_equal(titles: list[str], others: list[str]) -> NDArray[np.bool_]:
    """Compare each title with each of the others, by numbers: quicker than by strings."""
    numbers = {title: number for number, title in enumerate(dict.fromkeys(others))}
    rows, columns = (np.array([numbers.get(t, -1) for t in each]) for each in (titles, others))
    same: NDArray[np.bool_] = rows[:, None] == columns[None, :]
    return same


def _log_mean_exp(cosines: Numbers, same: NDArray[np.bool_], temperature: float) -> Numbers:
    """Compute `_log_mean_exp_of_rows` on all CPUs; a row's value does not depend on the others."""
    blocks = range(0, len(cosines), _ROWS_A_THREAD)
    found = np.empty(len(cosines), np.float32)

    def compute(start: int) -> None:
        rows = slice(start, start + _ROWS_A_THREAD)
        found[rows] = _log_mean_exp_of_rows(cosines[rows], same[rows], temperature)

    with ThreadPoolExecutor(1 if worker_number() is not None else count_cpus()) as threads:
        for _ in threads.map(compute, blocks):
            pass
    return found


def _log_mean_exp_of_rows(cosines: Numbers, same: NDArray[np.bool_], temperature: float) -> Numbers:
    """Give the log of the mean exponential of each row, without the ``same``; 0 if none is left."""
    scaled = np.where(same, -np.inf, cosines / temperature)
    highest = scaled.max(1, keepdims=True)
    no_partner = ~np.isfinite(highest[:, 0])
    highest[no_partner] = 0
    total = np.exp(scaled - highest).sum(1)
    count = np.maximum((~same).sum(1), 1)
    found = temperature * (highest[:, 0] + np.log(np.where(no_partner, 1, total / count)))
    mean: Numbers = np.where(no_partner, 0, found).astype(np.float32)
    return mean


def normalise(
    captions: ds.Dataset, scores: ds.Dataset, *, config: NormaliseConfig, root: Place
) -> Iterator[pa.Table]:
    """Subtract from each score the mean similarity of its image and title to random partners."""
    return _normalise(captions, scores, tables.NORMALISED, config, root)


def pair_normalise(
    pairs: ds.Dataset, pair_scores: ds.Dataset, *, config: NormaliseConfig, root: Place
) -> Iterator[pa.Table]:
    """Compute the normalised scores of pairs from outside a run."""
    return _normalise(pairs, pair_scores, tables.PAIR_NORMALISED, config, root)


NORMALISE = DatasetStage(
    "normalise",
    normalise,
    NormaliseConfig,
    reads=(tables.CAPTIONS, tables.SCORES),
    writes=tables.NORMALISED,
)
PAIR_NORMALISE = DatasetStage(
    "normalise",
    pair_normalise,
    NormaliseConfig,
    reads=(tables.PAIRS, tables.PAIR_SCORES),
    writes=tables.PAIR_NORMALISED,
)
