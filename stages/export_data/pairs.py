"""The pairs of an export, joined from the tables of a run and shuffled.

A run lies in Hilbert order, so its neighbours show the same ground. The order of an export is that
of a hash of (seed, filepath). DuckDB joins and sorts out of core; images are read one by one.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.atomic import content_id
from pipeline.errors import InputError
from pipeline.schema import STATUS_OK
from pipeline.scratch import ScratchParquet, view
from skyscript import chance
from skyscript.files.image_tars import ImageFile, image_file
from skyscript.files.names import split_of
from skyscript.files.pairs_csv import PairsCsv, null_missing
from stages import tables
from stages.export_data.config import ExportConfig
from stages.export_data.licences import Licence, find_licences
from stages.export_data.shown import register_shown

if TYPE_CHECKING:
    import duckdb

SPLITS, UNFILTERED = ("train", "val", "test"), "SkyScript_train_unfiltered.csv"
PAIR = pa.schema(
    [
        pa.field("filepath", pa.string()),  # images3/a12_CH_19.jpg, as in the run
        pa.field("title", pa.string()),
        pa.field("title_multi_objects", pa.string()),
        pa.field("title_short", pa.string()),
        pa.field("title_long", pa.string()),
        pa.field("object_id", pa.string()),
        pa.field("osm_version", pa.int32()),
        pa.field("osm_changed", pa.timestamp("s", tz="UTC")),
        pa.field("tags", pa.list_(pa.string())),  # key=value, those that can be seen
        # concepts that the image certainly shows, and lacks; null if the run does not know it
        pa.field("shows", pa.list_(pa.string())),
        pa.field("lacks", pa.list_(pa.string())),
        pa.field("source", pa.string()),
        pa.field("scene_id", pa.string()),
        pa.field("acquired", pa.timestamp("s", tz="UTC")),
        pa.field("time_precision", pa.string()),
        pa.field("gsd", pa.float64()),  # metres
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        *(pa.field(side, pa.float64()) for side in ("west", "south", "east", "north")),  # degrees
        pa.field("scorer", pa.string()),
        pa.field("similarity", pa.float32()),
        pa.field("similarity_multi_objects", pa.float32()),
        pa.field("content_hash", pa.string()),  # blake2b-128 of the JPEG, hex
        pa.field("licence", pa.string()),
        pa.field("licence_class", pa.string()),
        pa.field("attribution", pa.string()),
    ]
)
"""The columns of every exported pair."""

_TEXTS = ("split", "filepath", "title", "title_multi_objects")
_CHOSEN = pa.schema(
    [("file", pa.int64()), ("row", pa.int64())]
    + [(name, pa.string()) for name in _TEXTS]
    + [("draw", pa.float64())]
)
_BATCH = 4096


class RunTables(NamedTuple):
    """The tables of a run that an export reads."""

    captions: ds.Dataset
    images: ds.Dataset
    meta: ds.Dataset
    objects: ds.Dataset
    scores: ds.Dataset | None
    statements: ds.Dataset | None
    truth: ds.Dataset | None


class Pairs(NamedTuple):
    """The pairs of an export, on disk."""

    root: Path
    """The run folder."""
    connection: duckdb.DuckDBPyConnection
    """It has the views ``chosen`` and ``pairs``."""
    files: Mapping[str, Path]
    """Split -> Parquet of its pairs in the order of the export."""
    counts: Mapping[str, int]
    """Split -> number of pairs, without empty splits."""
    csvs: Sequence[str]
    """The names of the captions files."""
    licences: Sequence[Licence]

    def rows(self, split: str) -> Iterator[dict[str, Any]]:
        """Give the pairs of a split in the order of the export."""
        for batch in pq.ParquetFile(self.files[split]).iter_batches(_BATCH):
            yield from batch.to_pylist()

    def in_files(self, split: str, per_file: int) -> Iterator[tuple[int, int, int]]:
        """Give (number, number of files, pairs in it) of each file; sizes differ by one at most."""
        count = self.counts[split]
        total = -(-count // per_file)
        for number in range(total):
            yield number, total, (number + 1) * count // total - number * count // total

    def read_image(self, row: Mapping[str, Any]) -> bytes:
        """Give the bytes of a pair's image. Raises `InputError` if it is missing or was changed."""
        return self.read(image_file(self.root, row), row["content_hash"])

    def read(self, file: ImageFile, content_hash: str) -> bytes:
        """Read a file of the run. Raises `InputError` if it is missing or not what was written."""
        try:
            data = file.read_bytes()
        except OSError as error:
            raise InputError(f"{file}: cannot be read: {error.strerror}.") from None
        if content_id(data) != content_hash:
            raise InputError(f"{file}: is not the file that the run wrote; see skyscript verify.")
        return data


def choose_pairs(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    root: Path,
    read: RunTables,
    config: ExportConfig,
) -> Pairs:
    """Join and shuffle the pairs to export in a scratch folder.

    Raises `InputError` if a captions file names a pair that the run lacks, if a pair is in two
    splits, or if nothing is left.
    """
    csvs = [path.name for path in config.captions] or [UNFILTERED]
    if len(set(csvs)) < len(csvs):
        raise InputError("two of the captions files have the same name; rename one.")
    with ScratchParquet(folder / "chosen.parquet", _CHOSEN) as scratch:
        for columns in _read_chosen(read.captions, config):
            scratch.write(columns)
    view(connection, "chosen", scratch.path)
    given = read._asdict()
    register_shown(connection, folder, given.pop("truth"))
    for name, table in given.items():
        connection.register(name, table if table is not None else _EMPTY[name])
    _check(connection, config)
    licences = _register_licences(connection, config)
    files, counts = {}, {}
    for split in SPLITS:
        path = folder / f"{split}.parquet"
        count = _join(connection, split, path)
        if count:
            files[split], counts[split] = path, count
    if not counts:
        raise InputError(f"{root}: has no pair to export.")
    names = [glob.escape(str(path)) for path in files.values()]
    connection.read_parquet(names).create_view("pairs")
    return Pairs(root, connection, files, counts, csvs, licences)


_EMPTY = {
    "scores": tables.SCORES.schema.empty_table(),
    "statements": tables.STATEMENTS.schema.empty_table(),
}
"""Empty tables, in place of those of stages that the run left out."""


def _read_chosen(captions: ds.Dataset, config: ExportConfig) -> Iterator[dict[str, pa.Array]]:
    """Yield the chosen pairs of the run, or of the captions files, with a draw for each."""
    names = ["filepath", "title", "title_multi_objects"]
    if not config.captions:
        ok = pc.field("status") == STATUS_OK
        yield from _number(captions.to_batches(columns=names, filter=ok), 0, "train", config.seed)
    for number, path in enumerate(config.captions):
        split = split_of(path.name)
        yield from _number(PairsCsv(path).batches(), number, split, config.seed)


def _number(
    batches: Iterator[pa.RecordBatch], file: int, split: str, seed: int
) -> Iterator[dict[str, pa.Array]]:
    done = 0
    for batch in batches:
        size = len(batch)
        paths = batch.column("filepath")
        multi = "title_multi_objects"
        has_multi = multi in batch.schema.names
        yield {
            "file": pa.array([file] * size, pa.int64()),
            "row": pa.array(range(done, done + size), pa.int64()),
            "split": pa.array([split] * size),
            "filepath": paths,
            "title": null_missing(batch.column("title")),
            multi: null_missing(batch.column(multi)) if has_multi else pa.nulls(size, pa.string()),
            "draw": pa.array(chance.uniforms(seed, paths.to_pylist(), "export")),
        }
        done += size


def _check(connection: duckdb.DuckDBPyConnection, config: ExportConfig) -> None:
    """Raise `InputError` for a pair that the run lacks, and for one in two splits."""
    lost = connection.execute(
        "SELECT file, filepath FROM chosen ANTI JOIN (SELECT filepath FROM images WHERE status = "
        "'ok') USING (filepath) ORDER BY file, row LIMIT 1"
    ).fetchone()
    if lost:
        where = config.captions[lost[0]] if config.captions else "the table captions"
        raise InputError(f"{where}: {lost[1]!r} is not an image of this run.")
    twice = connection.execute(
        "SELECT filepath, min(split), max(split) FROM chosen GROUP BY filepath "
        "HAVING min(split) <> max(split) ORDER BY filepath LIMIT 1"
    ).fetchone()
    if twice:
        path, one, other = twice
        raise InputError(f"{path}: is a pair of the captions files of {one} and of {other}.")


def _register_licences(
    connection: duckdb.DuckDBPyConnection, config: ExportConfig
) -> list[Licence]:
    """Create ``licences`` of the sources to export."""
    found = connection.execute(
        "SELECT DISTINCT source FROM images SEMI JOIN chosen USING (filepath)"
    ).fetchall()
    aliases = {alias for (alias,) in found}
    if unknown := sorted({*config.only_sources, *config.licences, *config.attributions} - aliases):
        raise InputError(f"{unknown[0]}: no pair has an image of this source.")
    licences = find_licences(config.only_sources or aliases, config)
    schema = pa.schema([(name, pa.string()) for name in Licence._fields])
    rows = [licence._asdict() for licence in licences]
    connection.register("licences", pa.Table.from_pylist(rows, schema=schema))
    return licences


_JOIN = """
SELECT {columns}
FROM (SELECT filepath, any_value(draw) AS draw, arg_min(row, (file, row)) AS row,
             arg_min(title, (file, row)) AS title,
             arg_min(title_multi_objects, (file, row)) AS title_multi_objects
      FROM chosen WHERE split = '{split}' AND title IS NOT NULL GROUP BY filepath) AS c
JOIN (SELECT * FROM images WHERE status = 'ok') AS i USING (filepath)
JOIN licences AS l ON l.source = i.source
JOIN (SELECT object_id, metapath, meta_hash, map_entries(center_tags) AS entries FROM meta) AS m
  ON m.object_id = i.object_id
JOIN (SELECT object_id, osm_version, changed FROM objects) AS o ON o.object_id = i.object_id
JOIN (SELECT object_id, title_short, title_long FROM captions) AS t ON t.object_id = i.object_id
LEFT JOIN (SELECT object_id, scorer, similarity, similarity_multi_objects FROM scores) AS s
  ON s.object_id = i.object_id
LEFT JOIN (SELECT object_id, list({said} ORDER BY statement_id) AS statements
           FROM statements GROUP BY object_id) AS p ON p.object_id = i.object_id
LEFT JOIN shown AS w ON w.object_id = i.object_id
ORDER BY c.draw, c.filepath
"""
_COLUMNS = {
    "object_id": "i.object_id",
    "osm_changed": "o.changed",
    "tags": "list_transform(m.entries, lambda e: e.key || '=' || e.value)",
    "source": "i.source",
    "split": "'{split}'",
}
SAID = pa.struct(
    [
        *((name, pa.string()) for name in ("statement_id", "kind", "role", "text")),
        *((name, pa.string()) for name in ("answer", "true_text")),
        ("bins", pa.list_(pa.int32())),  # of its box: 0 to 1000
    ]
)
"""A statement of a pair."""
EXTRA = (
    ("statements", pa.list_(SAID)),  # null if the run has none of the image
    *((name, pa.string()) for name in ("split", "metapath", "meta_hash", "tar")),
    *((name, pa.int64()) for name in ("tar_offset", "byte_size")),  # of the image
    ("row", pa.int64()),  # the place in the run, or in the captions file
    ("draw", pa.float64()),  # the place in the export
)
"""Further columns of the scratch files."""


def _join(connection: duckdb.DuckDBPyConnection, split: str, path: Path) -> int:
    """Write the pairs of a split in the order of the export; give their number."""
    schema = pa.schema([*PAIR, *EXTRA])
    columns = ", ".join(f"{_COLUMNS.get(name, name)} AS {name}" for name in schema.names)
    said = "{" + ", ".join(f"{field.name}: {field.name}" for field in SAID) + "}"
    query = _JOIN.format(columns=columns.format(split=split), split=split, said=said)
    reader = connection.sql(query).to_arrow_reader(_BATCH)
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            count += len(batch)
    return count
