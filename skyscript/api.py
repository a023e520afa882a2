"""The public functions of `skyscript`: thin, with plain arguments, on top of library and stages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from pipeline.run import Run
    from skyscript.clip.model import Clip
    from tag_vocab import TagEntry

StrPath = str | Path


class Caption(NamedTuple):
    """The two captions of an image."""

    title: str
    """The caption of the focus object."""
    title_multi_objects: str
    """The caption of the focus object and its neighbours."""


def look_up(tag: str, own_labels: StrPath | None = None) -> TagEntry:
    """Give the vocabulary's entry for a tag ``key=value``: is it visible, up to which GSD, and why.

    ``own_labels`` is a CSV of your labels, which take precedence over the shipped ones.
    """
    from skyscript.vocabulary import labelled_vocabulary

    key, _, value = tag.partition("=")
    return labelled_vocabulary(_path(own_labels)).answer(key, value)


def caption(
    center_tags: Mapping[str, str],
    surrounding_tags: Iterable[Mapping[str, str]] = (),
    *,
    own_labels: StrPath | None = None,
    **settings: Any,  # noqa: ANN401 - fields of CaptionConfig, which checks them
) -> Caption:
    """Give the captions of an image from the tags of its focus object and of its neighbours.

    ``settings`` are fields of the stage `caption`: ``prefix``, ``max_surrounding``, ``tag_order``,
    ``spelling``. All tags are assumed to be visible.
    """
    from skyscript.captions import CaptionConfig, multi_caption, single_caption
    from skyscript.vocabulary import labelled_vocabulary

    config, words = CaptionConfig(**settings), labelled_vocabulary(_path(own_labels))
    return Caption(
        single_caption(center_tags, config, words),
        multi_caption(center_tags, surrounding_tags, config, words),
    )


def caption_pickles(
    source: StrPath,
    out: StrPath,
    *,
    own_labels: StrPath | None = None,
    **settings: Any,  # noqa: ANN401 - fields of CaptionConfig, which checks them
) -> int:
    """Write the caption CSV of a folder or zip of meta pickles; give its number of rows.

    Raises `ItemsFailed` at the end if some pickles could not be used; ``<out>.rejected.csv`` then
    names them. Raises `InputError` if the source cannot be used at all.
    """
    from skyscript.captions import CaptionConfig
    from skyscript.captions import caption_pickles as write

    return write(Path(source), Path(out), CaptionConfig(**settings), _path(own_labels))


def read_pairs(path: StrPath, columns: Sequence[str] | None = None) -> pa.Table:
    """Give a CSV of pairs, own or published, as a table of text columns.

    Raises `InputError` that names the line if the file is not a valid CSV with a column
    ``filepath`` and a column ``title``.
    """
    import pyarrow as pa

    from skyscript.files.pairs_csv import PairsCsv

    pairs = PairsCsv(Path(path))
    names = list(columns or pairs.columns)
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.Table.from_batches(pairs.batches(names), schema=schema)


def read_metas(source: StrPath) -> pa.Table:
    """Give the meta pickles of a folder, of a run or of a published zip, one row each.

    Columns: ``filepath`` (of the image), ``west``, ``south``, ``east``, ``north`` (degrees),
    ``time`` (UTC), ``center_tags``, ``surrounding_tags``, and ``problem``: why a pickle could not
    be read, else null. No pickle runs code.
    """
    from datetime import UTC, datetime

    import pyarrow as pa

    from pipeline.errors import InputError
    from skyscript.files import metas
    from skyscript.files.names import image_path

    tags = pa.map_(pa.string(), pa.string())
    box = [(side, pa.float64()) for side in ("west", "south", "east", "north")]
    schema = pa.schema(
        [
            ("filepath", pa.string()),
            *box,
            ("time", pa.timestamp("s", tz="UTC")),
            ("center_tags", tags),
            ("surrounding_tags", pa.list_(tags)),
            ("problem", pa.string()),
        ]
    )
    rows: list[dict[str, Any]] = []
    for name, meta in metas.read_metas(Path(source)):
        if isinstance(meta, InputError):
            rows.append({"filepath": image_path(name), "problem": str(meta)})
            continue
        rows.append(
            {
                "filepath": image_path(name),
                **meta.box._asdict(),
                "time": datetime(*meta.time, tzinfo=UTC),
                "center_tags": list(meta.center_tags.items()),
                "surrounding_tags": [list(around.items()) for around in meta.surrounding_tags],
            }
        )
    return pa.Table.from_pylist(rows, schema=schema)


def open_run(root: StrPath) -> Run:
    """Open a run's folder: ``open_run("runs/town").table("captions").to_table().to_pandas()``.

    A run may be in a bucket, too: ``s3://bucket/town``. ``.tables`` names the complete tables.
    Raises `InputError` if the folder is not a run.
    """
    from pipeline.errors import InputError
    from pipeline.run import Run
    from pipeline.storage import place_of

    run = Run(place_of(root))
    if not run.exists():
        raise InputError(f"{root}: is not the folder of a run.")
    return run


def load_clip(
    model: str = "tiny",
    pretrained: str | None = None,
    *,
    quick_gelu: Literal["auto", "on", "off"] = "auto",
    device: str | None = None,
) -> Clip:
    """Load a CLIP: an architecture of open_clip with ``pretrained``, ``local-dir:FOLDER``, or tiny.

    ``tiny`` ships with the project and knows simulated tiles only. Raises `InputError` if there is
    no such model or its weights do not fit.
    """
    from skyscript.clip.model import load_clip as load
    from skyscript.clip.source import ClipConfig, find_clip

    config = ClipConfig(
        model=model, pretrained=pretrained, quick_gelu=quick_gelu, device=device, compile=False
    )
    return load(find_clip(config), device)


def score(clip: Clip, images: Sequence[StrPath], texts: Sequence[str]) -> NDArray[np.float32]:
    """Give the cosine similarity of each image file with the text at the same position.

    Raises `InputError` that names the first image that cannot be used.
    """
    import tempfile

    import numpy as np

    from pipeline.errors import InputError
    from skyscript.clip.vectors.embed import image_vectors, text_vectors
    from skyscript.clip.vectors.store import Store

    if len(images) != len(texts):
        raise InputError(f"{len(images)} images and {len(texts)} texts: give one text per image.")
    paths = [str(image) for image in images]
    with tempfile.TemporaryDirectory() as folder:
        stores = [Store(Path(folder, kind), clip.width, np.float32) for kind in ("images", "texts")]
        found = image_vectors(paths, _read_file, clip, stores[0])
        for path, wrong in zip(paths, found.wrong, strict=True):
            if wrong is not None:
                raise InputError(f"{path}: {wrong.reason}.")
        of_texts = text_vectors(texts, clip, stores[1])
    similarities: NDArray[np.float32] = np.einsum("ij,ij->i", found.vectors, of_texts)
    return similarities


def _read_file(path: str) -> bytes:
    return Path(path).read_bytes()


def evaluate(
    benchmarks: StrPath | None,
    out: StrPath,
    *,
    model: str = "tiny",
    pretrained: str | None = None,
    sets: Sequence[str] | None = None,
    **settings: Any,  # noqa: ANN401 - fields of EvaluateConfig, which checks them
) -> dict[str, Any]:
    """Evaluate a CLIP by the published protocol; give the content of ``<out>/results.json``.

    ``benchmarks`` is the root of benchmarks in the published layout (None: only the ``choices`` or
    ``regions`` of the settings), ``sets`` the names of some of them. ``settings`` are further
    options of `skyscript evaluate`.
    """
    from stages.evaluate import EvaluateConfig
    from stages.evaluate import evaluate as run_evaluation

    chosen = None if sets is None else tuple(sets)
    root = None if benchmarks is None else Path(benchmarks)
    config = EvaluateConfig(
        model=model, pretrained=pretrained, benchmarks=root, sets=chosen, **settings
    )
    return run_evaluation(config, Path(out), lambda _: None)


def download(names: Sequence[str], to: StrPath, **settings: Any) -> list[Path]:  # noqa: ANN401
    """Download published files by the names of `skyscript download --list`; give their paths.

    ``settings`` are further options of that command. Raises `ItemsFailed` that names the first file
    that could not be downloaded.
    """
    from pipeline.errors import ItemsFailed
    from stages.download import DownloadConfig, choose
    from stages.download import download as run_download

    outcomes = run_download(choose(names), Path(to), DownloadConfig(**settings), lambda _: None)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed:
        raise ItemsFailed(f"{failed[0].artefact.path}: {failed[0].message}")
    return [Path(to) / outcome.artefact.path for outcome in outcomes]


def _path(path: StrPath | None) -> Path | None:
    return None if path is None else Path(path)
