"""Pairs of the web: rows of a table beside a folder of images, or samples of WebDataset shards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from pipeline.atomic import file_id
from pipeline.errors import InputError
from pipeline.scratch import in_parts
from pipeline.stage import ConfigPath, DatasetStage, StageConfig
from skyscript.files.pairs_csv import PairsCsv
from skyscript.files.shards import find_tars, samples
from stages import tables

_TAR_BLOCKS = 4
"""Mebibytes of a tar that are read to tell whether it has changed."""
_COLUMNS = ("filepath", "title")
_REMEDY = "Name its columns with --image-column and --caption-column."


class Source(StageConfig):
    """Where the images lie, and what says which they are."""

    images: ConfigPath = Field(
        description="Read images from this folder: the paths of the table start there. Without a "
        "table, name WebDataset shards: a folder of tars, or several tars by braces, as "
        "'shards-{0000..0009}.tar'. With --urls, the images are fetched into this folder."
    )
    captions: ConfigPath | None = Field(
        None,
        description="Read paths and captions from this table, a CSV or Parquet file. By default, "
        "the images are WebDataset shards, which contain their captions.",
    )

    def tars(self) -> list[Path] | None:
        """Give the shards; None where there is a table. Raises `InputError` for neither."""
        if self.captions is not None:
            if not self.images.is_dir():
                raise InputError(f"{self.images}: there is no such folder of images.")
            return None
        if not (found := find_tars(self.images)):
            raise InputError(
                f"{self.images}: is neither a tar nor a folder that holds *.tar; name the table of "
                "a folder of images with --captions."
            )
        return found


class WebConfig(Source):
    """How the table is read."""

    image_column: str = Field("filepath", description="Read image paths from this column.")
    caption_column: str = Field("title", description="Read captions from this column.")
    shard_rows: int = Field(4096, ge=1, description="Put this many rows in each part.")


def content(config: WebConfig) -> Mapping[str, str]:
    """Name the content of the table or of the shards."""
    if (tars := config.tars()) is not None:
        return {tar.name: file_id(tar, _TAR_BLOCKS) for tar in tars}
    assert config.captions is not None
    if not config.captions.is_file():
        raise InputError(f"{config.captions}: there is no such table.")
    return {"captions": file_id(config.captions)}


def web(*, config: WebConfig, root: Path) -> Iterator[pa.Table]:  # noqa: ARG001 - no files
    """Give the pairs of a table in its order, or of shards, a part a tar.

    Raises `InputError` that names a bad line, column or tar.
    """
    tars = config.tars()
    if tars is None:
        yield from _of_table(config)
        return
    start = 0
    for tar in tars:
        found = list(samples(tar))
        paths = [f"{tar.name}/{sample.image}" for sample in found]
        yield _part(start, paths, [sample.title for sample in found])
        start += len(found)


def _of_table(config: WebConfig) -> Iterator[pa.Table]:
    path = config.captions
    assert path is not None
    names = [config.image_column, config.caption_column]
    is_parquet = path.suffix.lower() in {".parquet", ".pq"}
    pieces = _parquet(path, names) if is_parquet else _csv(path, names)
    start = 0
    for table in in_parts(pieces, config.shard_rows):
        yield _part(start, table.column(0).to_pylist(), table.column(1).to_pylist())
        start += len(table)


def _part(start: int, paths: Sequence[str | None], titles: Sequence[str | None]) -> pa.Table:
    return pa.table(
        {
            "row": list(range(start, start + len(paths))),
            "filepath": [path or "" for path in paths],
            "title": [_one_line(title) for title in titles],
            "title_multi_objects": [None] * len(paths),
            "origin": [None] * len(paths),
        },
        schema=tables.PAIRS.schema,
    )


def _one_line(title: str | None) -> str | None:
    """Give a caption of the web as one line that can be printed; None where nothing is left."""
    printable = "".join(letter if letter.isprintable() else " " for letter in title or "")
    return " ".join(printable.split()) or None


def _parquet(path: Path, names: list[str]) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            _check_columns(path, names, file.schema_arrow.names)
            for batch in file.iter_batches(columns=names):
                columns = [batch.column(name).cast(pa.string()) for name in names]
                yield pa.table(columns, names=_COLUMNS)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: is not a Parquet file of texts: {error}.") from None


def _csv(path: Path, names: list[str]) -> Iterator[pa.Table]:
    rows = 0
    file = PairsCsv(path, names, remedy=_REMEDY)
    for batch in file.batches(names):
        rows += len(batch)
        yield pa.Table.from_batches([batch]).rename_columns(_COLUMNS)
    if not rows:
        raise file.no_pairs()


def _check_columns(path: Path, names: list[str], there: list[str]) -> None:
    for name in names:
        if name not in there:
            raise InputError(
                f"{path}: has no column {name!r}; it has {', '.join(there) or 'none'}. {_REMEDY}"
            )


WEB = DatasetStage("web", web, WebConfig, reads=(), writes=tables.PAIRS, external=content)
