"""Pairs of the web: a table with a folder of images, or WebDataset shards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from pipeline.errors import InputError
from pipeline.stage import DatasetStage
from pipeline.storage import Place
from skyscript.clip.pairs import CsvFolder, PairSource
from stages import tables

_REMEDY = "Set its columns with --image-column and --caption-column."


@dataclass(frozen=True)
class ParquetFolder(CsvFolder):
    """A Parquet file of pairs, and the folder at which its paths start."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the columns path and title."""
        path = self.captions
        try:
            with pq.ParquetFile(path) as file:
                _check_columns(path, self.columns, file.schema_arrow.names)
                for batch in file.iter_batches(columns=list(self.columns)):
                    paths, titles = (batch.column(n).cast(pa.string()) for n in self.columns)
                    yield pa.record_batch([paths.fill_null(""), titles], names=["path", "title"])
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path}: is not a Parquet file of texts: {error}.") from None


def _check_columns(path: Path, names: tuple[str, ...], there: list[str]) -> None:
    for name in names:
        if name not in there:
            raise InputError(
                f"{path}: has no column {name!r}; it has {', '.join(there) or 'none'}. {_REMEDY}"
            )


class WebConfig(PairSource):
    """Options to read the table."""

    image_column: str = Field("filepath", description="Read image paths from this column.")
    caption_column: str = Field("title", description="Read captions from this column.")
    shard_rows: int = Field(4096, ge=1, description="Put this many rows in each part.")

    def table(self, captions: Path) -> CsvFolder:
        """Return the reader of a table, CSV or Parquet."""
        is_parquet = captions.suffix.lower() in {".parquet", ".pq"}
        kind = ParquetFolder if is_parquet else CsvFolder
        return kind(captions, self.images, (self.image_column, self.caption_column), _REMEDY)


def identify_content(config: WebConfig) -> Mapping[str, str]:
    """Return digests of the table and its images, or of the shards.

    Raises `InputError` if one does not exist.
    """
    return config.source().identity()


def web(*, config: WebConfig, root: Place) -> Iterator[pa.Table]:  # noqa: ARG001 - no files
    """Read the pairs of a table in its order, or of shards with one part for each tar.

    Each caption becomes one line. Raises `InputError` that names a bad line, column or tar.
    """
    for part in config.source().parts(config.shard_rows):
        columns = {name: part[name] for name in part.column_names}
        titles = [_join_lines(title) for title in part["title"].to_pylist()]
        columns["title"] = pa.array(titles, pa.string())
        columns["title_multi_objects"] = pa.nulls(len(part), pa.string())
        yield pa.table(columns, schema=tables.PAIRS.schema)


def _join_lines(title: str | None) -> str | None:
    """Turn a caption into one line of printable characters. Returns None if nothing remains."""
    printable = "".join(letter if letter.isprintable() else " " for letter in title or "")
    return " ".join(printable.split()) or None


WEB = DatasetStage(
    "web", web, WebConfig, reads=(), writes=tables.PAIRS, external=identify_content, version=3
)
