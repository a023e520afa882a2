"""Vectors of images and texts: those that are kept, and the others computed now and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.schema import STATUS_FAILED, STATUS_FILTERED
from stages.clip_model import Clip
from stages.score.pixels import MAX_BYTES, Unusable, likeness, model_pixels
from stages.score.store import KEY_BYTES, Store, text_key

Read = Callable[[str], bytes]
"""Gives an image's bytes by its path; raises `OSError` where there are none."""
_THREADS = 4
"""Read and decode ahead of the model; both let other threads run."""
_KEPT_AT_ONCE = 512
"""Vectors that are written together: what a killed run may lose."""


class Images(NamedTuple):
    """What became of a shard's images, a row each."""

    vectors: NDArray[np.float32]
    """Zeros where there is none."""
    content_hash: list[str | None]
    likeness: NDArray[np.uint64]
    wrong: list[Unusable | None]


def read_below(root: Path) -> Read:
    """Read images under a folder; a path that leads out of it is not there."""

    def read(path: str) -> bytes:
        file = root / path
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise PermissionError(path)
        if file.stat().st_size > MAX_BYTES:
            raise OverflowError(path)
        return file.read_bytes()

    return read


def image_vectors(paths: Sequence[str], read: Read, clip: Clip, store: Store) -> Images:
    """Give each image's vector, by its content: computed only where it is not kept."""
    with ThreadPoolExecutor(_THREADS) as threads:
        keys = list(threads.map(lambda path: _key(path, read), paths))
        wanted = dict.fromkeys(key for key in keys if isinstance(key, bytes))
        where = dict(zip(keys, paths, strict=True))
        distinct = list(wanted)
        kept = store.get(distinct).there
        missing = [key for key, there in zip(distinct, kept, strict=True) if not there]
        refused: dict[bytes, Unusable] = {}
        for start in range(0, len(missing), _KEPT_AT_ONCE):
            some = missing[start : start + _KEPT_AT_ONCE]
            _compute(some, [where[key] for key in some], read, clip, store, refused, threads)
    wrong = [refused.get(key) if isinstance(key, bytes) else key for key in keys]
    found = store.get([key if isinstance(key, bytes) else bytes(KEY_BYTES) for key in keys])
    hashes = [key.hex() if isinstance(key, bytes) else None for key in keys]
    return Images(found.vectors, hashes, found.likeness, wrong)


def _key(path: str, read: Read) -> bytes | Unusable:
    try:
        return hashlib.blake2b(read(path), digest_size=KEY_BYTES).digest()
    except (FileNotFoundError, NotADirectoryError):
        return Unusable(STATUS_FAILED, "there is no such image")
    except PermissionError:
        return Unusable(STATUS_FAILED, "its path may not be read")
    except OverflowError:
        return Unusable(STATUS_FILTERED, "a larger file than any tile")
    except (OSError, ValueError) as error:
        return Unusable(STATUS_FAILED, f"cannot be read ({type(error).__name__})")


def _compute(
    keys: Sequence[bytes],
    paths: Sequence[str],
    read: Read,
    clip: Clip,
    store: Store,
    refused: dict[bytes, Unusable],
    threads: ThreadPoolExecutor,
) -> None:
    """Decode ahead, encode in the model's batches, keep."""

    def prepare(path: str) -> tuple[NDArray[np.uint8], int] | Unusable:
        pixels = model_pixels(read(path), clip.preprocess)
        return pixels if isinstance(pixels, Unusable) else (pixels, likeness(pixels))

    good: list[bytes] = []
    alike: list[int] = []
    vectors: list[NDArray[np.float32]] = []
    batch: list[NDArray[np.uint8]] = []
    for key, prepared in zip(keys, threads.map(prepare, paths), strict=True):
        if isinstance(prepared, Unusable):
            refused[key] = prepared
            continue
        good.append(key)
        batch.append(prepared[0])
        alike.append(prepared[1])
        if len(batch) == clip.image_batch:
            vectors.append(clip.encode_images(np.stack(batch)))
            batch = []
    if batch:
        vectors.append(clip.encode_images(np.stack(batch)))
    if good:
        store.add(good, np.concatenate(vectors), alike)


def text_vectors(texts: Sequence[str], clip: Clip, store: Store) -> NDArray[np.float32]:
    """Give each text's vector: computed once for a distinct text, and only where not kept."""
    keys = {text: text_key(text) for text in dict.fromkeys(texts)}
    kept = store.get(list(keys.values())).there
    missing = [text for text, there in zip(keys, kept, strict=True) if not there]
    for some in _in_pieces(missing):
        store.add([keys[text] for text in some], clip.encode_texts(some), [0] * len(some))
    return store.get([keys[text] for text in texts]).vectors


def _in_pieces(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    size = 8 * _KEPT_AT_ONCE
    return (texts[start : start + size] for start in range(0, len(texts), size))
