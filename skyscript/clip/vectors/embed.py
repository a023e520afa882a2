"""Vectors of images and texts: those that are kept, and the others computed now and kept."""

from __future__ import annotations

import functools
import hashlib
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.schema import STATUS_FAILED, STATUS_FILTERED
from skyscript.clip.model import Clip
from skyscript.clip.vectors.decoding import THREADS, Read, decode_ahead
from skyscript.clip.vectors.pixels import MAX_BYTES, Unusable
from skyscript.clip.vectors.store import KEY_BYTES, Store, text_key
from skyscript.files.paths import below

_KEPT_AT_ONCE = 16
"""Batches whose vectors are written together: what a killed run may lose."""
_TEXTS_AT_ONCE = 4096


class Images(NamedTuple):
    """What became of a shard's images, a row each."""

    vectors: NDArray[np.float32]
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
    if found.st_size > MAX_BYTES:
        raise OverflowError(path)
    return file.read_bytes()


def image_vectors(paths: Sequence[str], read: Read, clip: Clip, store: Store) -> Images:
    """Give each image's vector, by its content: computed only where it is not kept."""
    with ThreadPoolExecutor(THREADS) as threads:
        keys = list(threads.map(lambda path: _key(path, read), paths))
    where = {key: path for key, path in zip(keys, paths, strict=True) if isinstance(key, bytes)}
    kept = store.get(list(where)).there
    missing = {
        key: path for (key, path), is_there in zip(where.items(), kept, strict=True) if not is_there
    }
    refused: dict[bytes, Unusable] = {}
    if missing:
        clip.expect(len(paths))  # and not the missing: a killed part goes on as it began
        _compute(missing, read, clip, store, refused)
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
    missing: Mapping[bytes, str],
    read: Read,
    clip: Clip,
    store: Store,
    refused: dict[bytes, Unusable],
) -> None:
    """Decode ahead, encode in the model's batches, keep some batches at a time."""
    sent: list[tuple[bytes, int]] = []
    """Key and likeness of each image that the model was given."""

    def batches() -> Iterator[NDArray[np.uint8]]:
        batch: list[NDArray[np.uint8]] = []
        prepared = decode_ahead(list(missing.values()), read, clip)
        for key, image in zip(missing, prepared, strict=True):
            if isinstance(image, Unusable):
                refused[key] = image
                continue
            sent.append((key, image.likeness))
            batch.append(image.pixels)
            if len(batch) == clip.image_batch:
                yield np.stack(batch)
                batch = []
        if batch:
            yield np.stack(batch)

    done = 0
    for vectors in _some(clip.encode_stream(batches()), _KEPT_AT_ONCE * clip.image_batch):
        keys, alike = zip(*sent[done : done + len(vectors)], strict=True)
        store.add(keys, vectors, alike)
        done += len(vectors)


def _some(pieces: Iterator[NDArray[np.float32]], rows: int) -> Iterator[NDArray[np.float32]]:
    """Put pieces together until there are so many rows."""
    held: list[NDArray[np.float32]] = []
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) >= rows:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def text_vectors(texts: Sequence[str], clip: Clip, store: Store) -> NDArray[np.float32]:
    """Give each text's vector: computed once for a distinct text, and only where not kept."""
    keys = {text: text_key(text) for text in dict.fromkeys(texts)}
    kept = store.get(list(keys.values())).there
    missing = [text for text, there in zip(keys, kept, strict=True) if not there]
    for some in _in_pieces(missing):
        store.add([keys[text] for text in some], clip.encode_texts(some), [0] * len(some))
    return store.get([keys[text] for text in texts]).vectors


def _in_pieces(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    size = _TEXTS_AT_ONCE
    return (texts[start : start + size] for start in range(0, len(texts), size))
