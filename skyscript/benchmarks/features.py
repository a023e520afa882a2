"""Computes the features of images and texts in the precision of a protocol."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.storage import Place
from skyscript.clip.model import Clip, Precision
from skyscript.clip.vectors.decoding import Read
from skyscript.clip.vectors.embed import Progress, image_vectors, text_vectors
from skyscript.clip.vectors.inference import benchmark_inference
from skyscript.clip.vectors.store import MemoryStore, VectorStore, content_key
from skyscript.files.image_tars import ImageFile, ImageInTar
from skyscript.images.decode import Unusable

if TYPE_CHECKING:
    import torch

_IMAGES_IN_MEMORY = 512
"""The number of images whose features are in memory at once."""


class Source(NamedTuple):
    """How images are read by their names. Both functions can be pickled."""

    read: Read
    key: Callable[[str], bytes]
    """The key of an image in the store."""


class Features(NamedTuple):
    """The features of some images, one row for each."""

    start: int
    """Position of the first image."""
    vectors: torch.Tensor
    """Unit vectors in fp32, on the device of the model; meaningless for unusable images."""
    wrong: list[Unusable | None]


def text_features(
    texts: Sequence[str],
    clip: Clip,
    precision: Precision,
    store: VectorStore | None = None,
    progress: Progress = lambda _: None,
) -> torch.Tensor:
    """Give the unit vectors of texts, in fp32 on the device of the model."""
    import torch

    how = benchmark_inference(precision, None)
    vectors = text_vectors(texts, clip, store or MemoryStore(), how, progress)
    return _unit(torch.from_numpy(vectors).to(clip.device), precision)


def image_features(
    files: Sequence[ImageFile] | Sequence[str],
    clip: Clip,
    precision: Precision,
    *,
    threads: int | None = None,
    store: VectorStore | None = None,
    progress: Progress = lambda _: None,
    source: Source | None = None,
) -> Iterator[Features]:
    """Give the features of images in batches; those in ``store`` are not computed again.

    With a ``source``, the names in ``files`` are its own, such as those of parts of images.
    """
    import torch

    how = benchmark_inference(precision, threads)
    read, key = source or _source_of(files)
    step = clip.image_batch * max(1, _IMAGES_IN_MEMORY // clip.image_batch)
    for start in range(0, len(files), step):
        paths = [str(file) for file in files[start : start + step]]
        vectors_of = store or MemoryStore()
        found = image_vectors(paths, read, clip, vectors_of, how, key, progress)
        vectors = torch.from_numpy(found.vectors).to(clip.device)
        yield Features(start, _unit(vectors, precision), found.wrong)


def _source_of(files: Sequence[ImageFile] | Sequence[str]) -> Source:
    inside = {str(file): file for file in files if isinstance(file, ImageInTar)}
    return Source(functools.partial(_read, inside), functools.partial(_key, inside))


def _read(inside: Mapping[str, ImageInTar], name: str) -> bytes:
    return inside.get(name, Path(name)).read_bytes()


def _key(inside: Mapping[str, ImageInTar], name: str) -> bytes:
    return file_key(inside.get(name, Path(name)))


def file_key(file: ImageFile, part: str = "") -> bytes:
    """Give a key from path, size and change time: hashing a large benchmark takes too long.

    Those of the tar stand for an image in a tar, with the place in it.
    """
    path: Place
    if isinstance(file, ImageInTar):
        path, part = file.tar, f"{part}, from byte {file.offset}"
    else:
        path = file
    found = path.stat()
    whole = (str(path), found.st_size, found.st_mtime_ns, *([part] if part else []))
    return content_key(repr(whole).encode())


def _unit(vectors: torch.Tensor, precision: Precision) -> torch.Tensor:
    """Normalise the vectors of a tower; under ``amp``, round them to fp16 first, also on a CPU.

    CUDA's autocast has no effect on a CPU. The rounding gives the published ties and close values.
    """
    from torch.nn import functional

    return functional.normalize((vectors.half() if precision == "amp" else vectors).float(), dim=-1)
