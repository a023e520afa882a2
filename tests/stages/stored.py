"""Parts of tables as files, as a run keeps them."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.manifest import TableFolder
from pipeline.schema import Table, conform


def stored(table: Table, root: Path, parts: Iterable[pa.Table]) -> ds.FileSystemDataset:
    """Write the parts of a table, each of which must keep the contract, and open them."""
    folder = TableFolder(root, table.name, table.schema)
    folder.clear()
    numbers = []
    for number, part in enumerate(parts):
        folder.write(number, conform(part, table, where="test"))
        numbers.append(number)
    return folder.dataset(numbers)
