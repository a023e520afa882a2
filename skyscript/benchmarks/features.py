"""What a model makes of images and texts, in the precision that a protocol asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pipeline.atomic import content_id
from skyscript.benchmarks.images import Pixels, batches
from skyscript.clip.text import causal_tower, encode_cut

if TYPE_CHECKING:
    import torch

Precision = Literal["fp32", "amp"]
"""``fp32`` all through, or the published ``amp``: fp16 images and logits.

CUDA's autocast does nothing on a CPU. There ``amp`` runs the towers in fp32 and rounds to fp16 what
CUDA would hand on in fp16 (features and logits): ties fall as published, the rest is nearly so.
"""
TEXTS = 64
"""Texts that go through the model at once."""
_KEPT_TEXTS, _KEPT_IMAGES = 4096, 512
"""What is kept together, and what a kill may lose."""
Progress = Callable[[int], None]
"""Is told of images that are done."""


class Keep(Protocol):
    """Where features stay between runs, by what they are of."""

    def get(self, key: str) -> torch.Tensor | None:
        """Give what is kept under a key."""

    def put(self, key: str, features: torch.Tensor) -> None:
        """Keep features."""


def autocast(device: str, precision: Precision) -> AbstractContextManager[Any]:
    """Give the published half precision where it does something."""
    import torch

    if precision == "amp" and device.startswith("cuda"):
        half: AbstractContextManager[Any] = torch.autocast("cuda", torch.float16)
        return half
    return nullcontext()


@contextmanager
def evaluating(model: Any) -> Iterator[Any]:  # noqa: ANN401 - a module of open_clip's
    """Give the bare model, with nothing that is random or learns; what was so before is again.

    fp32 is fp32 on a GPU too: its convolutions would take TF32.
    """
    import torch

    bare = getattr(model, "module", model)
    training = bare.training
    bare.eval()
    products = (torch.backends.cudnn, torch.backends.cuda.matmul)
    shortened = [kind.allow_tf32 for kind in products]
    try:
        for kind in products:
            kind.allow_tf32 = False
        with torch.inference_mode():
            yield bare
    finally:
        bare.train(training)
        for kind, before in zip(products, shortened, strict=True):
            kind.allow_tf32 = before


def text_features(
    model: Any,  # noqa: ANN401
    tokenizer: Any,  # noqa: ANN401
    texts: Sequence[str],
    *,
    device: str,
    precision: Precision,
    keep: Keep | None = None,
    progress: Progress | None = None,
) -> torch.Tensor:
    """Give the unit vectors of texts, fp32."""
    import torch

    parts = []
    for start in range(0, len(texts), _KEPT_TEXTS):
        some = texts[start : start + _KEPT_TEXTS]
        key = content_id("\n".join(some).encode()) if keep else ""
        found = keep.get(key) if keep else None
        if found is None:
            found = _texts_computed(model, tokenizer, some, device, precision, progress)
            if keep:
                keep.put(key, found)
        elif progress:
            progress(len(some))
        parts.append(_unit(found.to(device), precision))
    return torch.cat(parts)


def _texts_computed(
    model: Any,  # noqa: ANN401
    tokenizer: Any,  # noqa: ANN401
    texts: Sequence[str],
    device: str,
    precision: Precision,
    progress: Progress | None,
) -> torch.Tensor:
    """Give what the text tower gives. Texts of one length go together, cut where they end."""
    import torch

    tower = causal_tower(model, tokenizer)
    tokens = tokenizer(list(texts))
    ends = tokens.argmax(1) + 1 if tower is not None else torch.full((len(texts),), tokens.shape[1])
    order = ends.argsort(stable=True)
    found = []
    for some in order.split(TEXTS):
        cut = tokens[some, : int(ends[some].max())].to(device)
        with autocast(device, precision):
            vectors = model.encode_text(cut) if tower is None else encode_cut(tower, cut)
        found.append(vectors.cpu())
        if progress:
            progress(len(some))
    return torch.cat(found)[order.argsort()]


def image_features(
    model: Any,  # noqa: ANN401
    preprocess: Callable[[Any], Any],
    files: Sequence[Path],
    *,
    device: str,
    precision: Precision,
    batch_size: int,
    workers: int | None,
    keep: Keep | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[int, torch.Tensor]]:
    """Give the unit vectors of images, fp32, some thousand at a time: where they start, and they.

    What ``keep`` has is not computed again.
    """
    pixels = Pixels(preprocess)
    step = batch_size * max(1, _KEPT_IMAGES // batch_size)
    for start in range(0, len(files), step):
        some = files[start : start + step]
        key = files_id(some) if keep else ""
        found = keep.get(key) if keep else None
        if found is None:
            found = _computed(model, pixels, some, device, precision, batch_size, workers, progress)
            if keep:
                keep.put(key, found)
        elif progress:
            progress(len(some))
        yield start, _unit(found.to(device), precision)


def files_id(files: Sequence[Path]) -> str:
    """Give an id of files by their places, sizes and times of change; they are not read."""
    stats = [(str(file), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    return content_id(repr(stats).encode())


def _computed(
    model: Any,  # noqa: ANN401
    pixels: Pixels,
    files: Sequence[Path],
    device: str,
    precision: Precision,
    batch_size: int,
    workers: int | None,
    progress: Progress | None,
) -> torch.Tensor:
    """Give what the image tower gives, not normalised."""
    import torch

    found = []
    for batch, count in batches(files, pixels, batch_size, workers):
        on_device = batch.pin_memory() if device.startswith("cuda") else batch
        images = pixels.finish(on_device.to(device, non_blocking=True))
        with autocast(device, precision):
            found.append(model.encode_image(images)[:count].cpu())
        if progress:
            progress(count)
    return torch.cat(found)


def _unit(vectors: torch.Tensor, precision: Precision) -> torch.Tensor:
    """Give unit vectors of what left a tower: fp16 under ``amp``, on a CPU too."""
    from torch.nn import functional

    return functional.normalize((vectors.half() if precision == "amp" else vectors).float(), dim=-1)
