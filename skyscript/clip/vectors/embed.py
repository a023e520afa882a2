"""Gives vectors of images and texts: reads the stored ones, computes and stores the others."""

from __future__ import annotations

import functools
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.storage import Place
from skyscript.clip.model import Clip, Vectors
from skyscript.clip.vectors.decoding import Read, find_keys, prepare_ahead
from skyscript.clip.vectors.inference import SCORING, Inference
from skyscript.clip.vectors.store import KEY_BYTES, VectorStore, content_key, text_key
from skyscript.files.image_tars import ImageInTar
from skyscript.files.tar_places import InTars, find_image
from skyscript.images.decode import TILE, Unusable

Progress = Callable[[int], None]
"""Receives the number of images or texts that have just been done."""

_BATCHES_PER_WRITE = 16
"""Batches whose vectors are written together; a killed run loses at most these."""
_TEXTS_AT_ONCE = 4096


class Images(NamedTuple):
    """The vectors of images, or the reasons why there are none; one row for each image."""

    vectors: Vectors
    """Zeros for an unusable image."""
    content_hash: list[str | None]
    likeness: NDArray[np.uint64]
    wrong: list[Unusable | None]


def read_below(root: Place, inside: InTars | None = None) -> Read:
    """Give a function that reads images below a folder; other paths raise `PermissionError`.

    ``inside`` gives the images that lie in tars.
    """
    return functools.partial(_read_below, root, inside or {})


def _read_below(root: Place, inside: InTars, path: str) -> bytes:
    file = find_image(root, path, inside)
    if isinstance(file, ImageInTar):
        if file.size > TILE.bytes:
            raise OverflowError(path)
        return file.read_bytes()
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(path)  # a pipe would block
    if found.st_size > TILE.bytes:
        raise OverflowError(path)
    return file.read_bytes()


def image_vectors(
    paths: Sequence[str],
    read: Read,
    clip: Clip,
    store: VectorStore,
    how: Inference = SCORING,
    key: Callable[[str], bytes] | None = None,
    progress: Progress = lambda _: None,
) -> Images:
    """Give each image's vector; compute it only if it is not stored.

    The key of an image in the store is a digest of its content, or the result of ``key``.
    """
    keys = find_keys(paths, key or functools.partial(_content_key, read), clip, how)
    path_of = {key: path for key, path in zip(keys, paths, strict=True) if isinstance(key, bytes)}
    stored = store.get(list(path_of)).is_stored
    missing = {
        key: path for (key, path), known in zip(path_of.items(), stored, strict=True) if not known
    }
    progress(len(paths) - len(missing))
    unusable = _compute(missing, read, clip, store, how, progress)
    wrong = [unusable.get(key) if isinstance(key, bytes) else key for key in keys]
    found = store.get([key if isinstance(key, bytes) else bytes(KEY_BYTES) for key in keys])
    hashes = [key.hex() if isinstance(key, bytes) else None for key in keys]
    return Images(found.vectors, hashes, found.likeness, wrong)


def _content_key(read: Read, path: str) -> bytes:
    return content_key(read(path))


def _compute(
    missing: Mapping[bytes, str],
    read: Read,
    clip: Clip,
    store: VectorStore,
    how: Inference,
    progress: Progress,
) -> dict[bytes, Unusable]:
    """Decode, encode and store images; give the unusable ones by key."""
    unusable: dict[bytes, Unusable] = {}
    sent: list[tuple[bytes, int]] = []
    """The key and likeness of each image that was sent to the model."""

    def batches() -> Iterator[NDArray[np.uint8]]:
        batch: list[NDArray[np.uint8]] = []
        prepared = prepare_ahead(list(missing.values()), read, clip, how)
        for key, image in zip(missing, prepared, strict=True):
            if isinstance(image, Unusable):
                unusable[key] = image
                progress(1)
                continue
            sent.append((key, image.likeness))
            batch.append(image.pixels)
            if len(batch) == clip.image_batch:
                yield np.stack(batch)
                batch = []
        if batch:
            yield np.stack(batch)

    done = 0
    encoded = clip.encode_images(batches(), how.precision) if missing else iter(())
    for vectors in _join_batches(encoded, _BATCHES_PER_WRITE * clip.image_batch, progress):
        keys, alike = zip(*sent[done : done + len(vectors)], strict=True)
        store.add(keys, how.finish(vectors), alike)
        done += len(vectors)
    return unusable


def _join_batches(batches: Iterator[Vectors], rows: int, progress: Progress) -> Iterator[Vectors]:
    """Join batches until there are at least ``rows`` rows."""
    joined: list[Vectors] = []
    for batch in batches:
        joined.append(batch)
        progress(len(batch))
        if sum(map(len, joined)) >= rows:
            yield np.concatenate(joined)
            joined = []
    if joined:
        yield np.concatenate(joined)


def text_vectors(
    texts: Sequence[str],
    clip: Clip,
    store: VectorStore,
    how: Inference = SCORING,
    progress: Progress = lambda _: None,
) -> Vectors:
    """Give each text's vector; compute it once for equal texts, and only if it is not stored.

    The texts are stored in blocks, each with all its vectors, computed now or before. So the files
    depend only on the texts, not on what other workers have stored.
    """
    distinct = list(dict.fromkeys(texts))
    progress(len(texts) - len(distinct))
    for start in range(0, len(distinct), _TEXTS_AT_ONCE):
        block = distinct[start : start + _TEXTS_AT_ONCE]
        keys = [text_key(text) for text in block]
        stored = store.get(keys)
        missing = np.flatnonzero(~stored.is_stored)
        vectors = stored.vectors
        if len(missing):
            computed = clip.encode_texts([block[row] for row in missing], how.precision)
            vectors = np.resize(vectors, (len(block), computed.shape[1]))
            vectors[missing] = how.finish(computed)
        store.add(keys, vectors, [0] * len(block))
        progress(len(block))
    return store.get([text_key(text) for text in texts]).vectors
