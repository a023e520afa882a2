"""Vectors of images and texts: those that are kept, and the others computed now and kept."""

from __future__ import annotations

import functools
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscript.clip.model import Clip, Vectors
from skyscript.clip.vectors.decoding import THREADS, Read, prepare_ahead, why_unread
from skyscript.clip.vectors.inference import SCORING, Inference
from skyscript.clip.vectors.store import KEY_BYTES, Kept, content_key, text_key
from skyscript.files.paths import below
from skyscript.images.decode import TILE, Unusable

Progress = Callable[[int], None]
"""Receives how many more images or texts are done."""

_KEPT_AT_ONCE = 16
"""Batches whose vectors are written together: what a killed run may lose."""
_TEXTS_AT_ONCE = 4096


class Images(NamedTuple):
    """What became of a shard's images, a row each."""

    vectors: Vectors
    """Zeros where there is none."""
    content_hash: list[str | None]
    likeness: NDArray[np.uint64]
    wrong: list[Unusable | None]


def read_below(root: Path) -> Read:
    """Read images under a folder; a path that leads out of it is not there."""
    return functools.partial(_read_below, root)


def _read_below(root: Path, path: str) -> bytes:
    file = below(root, path)
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(path)  # a pipe would be waited for
    if found.st_size > TILE.bytes:
        raise OverflowError(path)
    return file.read_bytes()


def image_vectors(
    paths: Sequence[str],
    read: Read,
    clip: Clip,
    store: Kept,
    how: Inference = SCORING,
    key: Callable[[str], bytes] | None = None,
    progress: Progress = lambda _: None,
) -> Images:
    """Give each image's vector: computed only where it is not kept.

    An image is known by its content, or by what ``key`` gives for its path.
    """
    find_key = key or (lambda path: content_key(read(path)))
    with ThreadPoolExecutor(THREADS) as threads:
        keys = list(threads.map(lambda path: _key(path, find_key), paths))
    where = {key: path for key, path in zip(keys, paths, strict=True) if isinstance(key, bytes)}
    kept = store.get(list(where)).there
    missing = {
        key: path for (key, path), is_there in zip(where.items(), kept, strict=True) if not is_there
    }
    progress(len(paths) - len(missing))
    refused = _compute(missing, read, clip, store, how, progress)
    wrong = [refused.get(key) if isinstance(key, bytes) else key for key in keys]
    found = store.get([key if isinstance(key, bytes) else bytes(KEY_BYTES) for key in keys])
    hashes = [key.hex() if isinstance(key, bytes) else None for key in keys]
    return Images(found.vectors, hashes, found.likeness, wrong)


def _key(path: str, find_key: Callable[[str], bytes]) -> bytes | Unusable:
    try:
        return find_key(path)
    except (OSError, OverflowError, ValueError) as error:
        return why_unread(error)


def _compute(
    missing: Mapping[bytes, str],
    read: Read,
    clip: Clip,
    store: Kept,
    how: Inference,
    progress: Progress,
) -> dict[bytes, Unusable]:
    """Decode ahead, encode in the model's batches, keep some at a time; give what was refused."""
    refused: dict[bytes, Unusable] = {}
    sent: list[tuple[bytes, int]] = []
    """Key and likeness of each image that the model was given."""

    def batches() -> Iterator[NDArray[np.uint8]]:
        batch: list[NDArray[np.uint8]] = []
        prepared = prepare_ahead(list(missing.values()), read, clip, how)
        for key, image in zip(missing, prepared, strict=True):
            if isinstance(image, Unusable):
                refused[key] = image
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
    for vectors in _some(encoded, _KEPT_AT_ONCE * clip.image_batch, progress):
        keys, alike = zip(*sent[done : done + len(vectors)], strict=True)
        store.add(keys, how.finish(vectors), alike)
        done += len(vectors)
    return refused


def _some(pieces: Iterator[Vectors], rows: int, progress: Progress) -> Iterator[Vectors]:
    """Put pieces together until there are so many rows."""
    held: list[Vectors] = []
    for piece in pieces:
        held.append(piece)
        progress(len(piece))
        if sum(map(len, held)) >= rows:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def text_vectors(
    texts: Sequence[str],
    clip: Clip,
    store: Kept,
    how: Inference = SCORING,
    progress: Progress = lambda _: None,
) -> Vectors:
    """Give each text's vector: computed once for a distinct text, and only where not kept."""
    keys = {text: text_key(text) for text in dict.fromkeys(texts)}
    kept = store.get(list(keys.values())).there
    missing = [text for text, there in zip(keys, kept, strict=True) if not there]
    progress(len(texts) - len(missing))
    for start in range(0, len(missing), _TEXTS_AT_ONCE):
        some = missing[start : start + _TEXTS_AT_ONCE]
        vectors = how.finish(clip.encode_texts(some, how.precision))
        store.add([keys[text] for text in some], vectors, [0] * len(some))
        progress(len(some))
    return store.get([keys[text] for text in texts]).vectors
