"""Writes NormSim and NormSim-2D of the images that `score` has seen (Wang et al., NeurIPS 2024).

NormSim of an image is the norm of its cosines with the target images: the largest one
(``normsim``), or the root of their mean square (``normsim_2``). NormSim-2D needs no targets: the
images themselves take their place. In each round the images that are least like those that are left
are removed. ``normsim_2d`` is the number of rounds that an image survived, plus its last NormSim,
which is less than 1. So a higher value stayed longer, and any cut follows the order of removal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.atomic import write_file
from pipeline.errors import InputError
from pipeline.scratch import database, scratch
from skyscript.clip.vectors.store import Store
from skyscript.files.pairs_csv import write_pairs
from stages.normsim.config import NormSimConfig

HEADER = ("filepath", "normsim", "normsim_2", "normsim_2d")
_BATCH = 8192
_TARGETS = 4096
"""Targets whose cosines with a batch are in memory."""

Vectors = NDArray[np.float32]
Targets = Callable[[str], Vectors]
"""Gives the vectors of the target images under the model of the vectors in a folder."""


class Done(NamedTuple):
    """The numbers of images that were measured and of target images."""

    images: int
    targets: int

    def lines(self) -> list[str]:
        """Describe the result in lines for the terminal."""
        return [f"{self.images:>10,}  images", f"{self.targets:>10,}  target images"]


def normsim(
    root: Path, scores: ds.Dataset, out: Path, config: NormSimConfig, targets: Targets | None
) -> Done:
    """Write the columns of all images with a stored vector to the CSV ``out``.

    ``scores`` is the table of scores of the folder ``root``. Without targets, only ``normsim_2d``
    has values. Memory holds one batch of vectors and some 50 bytes an image. Raises `InputError` if
    no vector is stored.
    """
    folder = _vectors_folder(root, scores, config.vectors)
    store = Store.open_existing(root / "embeddings" / folder / "images")
    wanted = targets(folder) if targets else np.zeros((0, store.width), np.float32)
    if wanted.shape[1] != store.width:
        raise InputError(
            f"{root}: its vectors have {store.width} dimensions, those of the targets "
            f"{wanted.shape[1]}; name the model that scored."
        )
    with scratch(out.absolute().parent, "normsim") as temporary:
        images = _distinct(scores, temporary)

        def parts() -> Iterator[_Part]:
            return _batches(images, store)

        order = two_d(lambda: (part.vectors for part in parts()), config)
        write_file(out, lambda path: write_pairs(path, HEADER, _rows(parts(), wanted, order)))
    return Done(len(order), len(wanted))


def _rows(
    parts: Iterator[_Part], targets: Vectors, order: NDArray[np.float64]
) -> Iterator[Sequence[str]]:
    """Yield the rows of the CSV."""
    done = 0
    for part in parts:
        near = _near(part.vectors, targets) if len(targets) else ()
        for number, path in enumerate(part.paths):
            texts = [f"{column[number]:.6f}" for column in near] or ["", ""]
            yield path, *texts, f"{order[done + number]:.6f}"
        done += len(part.paths)


class _Part(NamedTuple):
    paths: list[str]
    vectors: Vectors
    """Unit vectors, a row for each path."""


def _vectors_folder(root: Path, scores: ds.Dataset, chosen: str | None) -> str:
    """Give the folder of the vectors: the chosen one, or else the only one that the scores name.

    Raises `InputError` if there is none, or if there are several.
    """
    if chosen is not None:
        there = sorted(path.parent.name for path in root.glob("embeddings/*/images"))
        if chosen not in there:
            raise InputError(
                f"{root}: has no vectors {chosen!r}; --vectors takes one of: "
                f"{', '.join(there) or 'none'}."
            )
        return chosen
    named: set[str] = set()
    for batch in scores.to_batches(columns=["vectors"]):
        named.update(name for name in pc.unique(batch.column(0)).to_pylist() if name)
    if not named:
        raise InputError("no image has a vector: run skyscript score first.")
    if len(named) > 1:
        raise InputError(
            f"{root}: its scores were computed from several folders of vectors; name one with "
            f"--vectors: {', '.join(sorted(named))}."
        )
    return named.pop()


def _distinct(scores: ds.Dataset, folder: Path) -> Path:
    """Write the path and the content of each image once, in alphabetical order, to a file."""
    with database(folder) as connection:
        connection.register("scores", scores.scanner(columns=["filepath", "content_hash"]))
        path = folder / "images.parquet"
        connection.sql(
            "SELECT filepath, min(content_hash) AS content_hash FROM scores "
            "WHERE content_hash IS NOT NULL GROUP BY filepath ORDER BY filepath"
        ).write_parquet(str(path))
    return path


def _batches(images: Path, store: Store) -> Iterator[_Part]:
    """Yield the images with a stored vector."""
    for batch in pq.ParquetFile(images).iter_batches(_BATCH):
        paths, digests = (column.to_pylist() for column in batch.columns)
        found = store.get([bytes.fromhex(digest) for digest in digests])
        there = np.flatnonzero(found.is_stored)
        yield _Part([paths[row] for row in there.tolist()], _unit(found.vectors[there]))


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _near(vectors: Vectors, targets: Vectors) -> tuple[Vectors, Vectors]:
    """Give the largest cosine of each vector with the targets, and their root mean square."""
    largest = np.full(len(vectors), -1.0, np.float32)
    squares = np.zeros(len(vectors), np.float64)
    for start in range(0, len(targets), _TARGETS):
        cosines = vectors @ targets[start : start + _TARGETS].T
        largest = np.maximum(largest, cosines.max(axis=1))
        squares += (cosines.astype(np.float64) ** 2).sum(axis=1)
    return largest, np.sqrt(squares / len(targets)).astype(np.float32)


def two_d(read: Callable[[], Iterator[Vectors]], config: NormSimConfig) -> NDArray[np.float64]:
    """Give ``normsim_2d`` of all vectors.

    The mean square of the cosines with a set is ``x S x`` where S is the set's second moment, so a
    round needs a matrix of the vectors' width, not the set.
    """
    count = sum(len(vectors) for vectors in read())
    is_left = np.ones(count, bool)
    result = np.zeros(count, np.float64)
    last = max(1, count * config.keep // 100)
    for number in range(1, config.rounds + 1):
        moment = _moment(read(), is_left)
        norms = np.concatenate([_norms(vectors, moment) for vectors in read()])
        result[is_left] = number - 1 + norms[is_left]
        size = count - (count - last) * number // config.rounds
        alive = np.flatnonzero(is_left)
        best = alive[np.argsort(-norms[alive], kind="stable")[:size]]
        is_left[:] = False
        is_left[best] = True
    result[is_left] += 1
    return result


def _moment(batches: Iterator[Vectors], is_left: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give the mean of ``x xT`` over the vectors that are left."""
    total: NDArray[np.float64] | float = 0.0
    done = 0
    for vectors in batches:
        kept = vectors[is_left[done : done + len(vectors)]].astype(np.float64)
        total = total + kept.T @ kept
        done += len(vectors)
    return np.asarray(total / max(1, is_left.sum()), np.float64)


def _norms(vectors: Vectors, moment: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give NormSim with the set of this moment, below 1."""
    wide = vectors.astype(np.float64)
    squares = np.einsum("ij,ij->i", wide @ moment, wide)
    return np.asarray(np.sqrt(np.clip(squares, 0.0, 1.0 - 1e-9)), np.float64)
