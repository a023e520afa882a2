"""Table contracts: checks that a table has its schema; nothing is cast silently."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SchemaError

STATUS_OK = "ok"
"""The row carries a result."""
STATUS_FILTERED = "filtered"
"""The row is dropped permanently; ``reason`` gives the reason."""
STATUS_FAILED = "failed"
"""The row has no result and may be retried; ``reason`` describes the error."""


@dataclass(frozen=True)
class Table:
    """A table that passes between stages: its name, its Arrow schema and its unique key."""

    name: str
    schema: pa.Schema
    key: str
    ranges: tuple[str, ...] = ()
    """Columns whose least and greatest value in each part are recorded, so that a look-up by them
    opens few parts: the sides of a box, or a key that the parts are sorted by."""

    @property
    def has_status(self) -> bool:
        """Whether rows have ``status`` and ``reason``."""
        return "status" in self.schema.names

    @property
    def has_error(self) -> bool:
        """Whether rows also have ``error``, the class of the error in one word."""
        return "error" in self.schema.names


def conform(table: pa.Table, contract: Table, *, where: str) -> pa.Table:
    """Give ``table`` in the contract's schema, or raise `SchemaError`.

    The result has the table's own metadata and the contract's, which goes first.

    The table must have the contract's columns, in any order, with the same types; no null in a
    column that is not nullable; and a unique key.
    """
    want = contract.schema
    if set(table.column_names) != set(want.names):
        raise SchemaError(f"{where}: columns differ\n{_show_schemas(table.schema, want)}")
    table = table.select(want.names)
    for field, got in zip(want, table.schema, strict=True):
        if not got.type.equals(field.type):
            raise SchemaError(
                f"{where}: column {field.name!r} is {got.type}, not {field.type}\n"
                f"{_show_schemas(table.schema, want)}"
            )
        if not field.nullable and table.column(field.name).null_count:
            raise SchemaError(f"{where}: column {field.name!r} must not have nulls, but has some")
    key = table.column(contract.key)
    if pc.count_distinct(key).as_py() != len(key):
        raise SchemaError(f"{where}: key {contract.key!r} is not unique")
    metadata = {**(table.schema.metadata or {}), **(want.metadata or {})}
    return table.cast(want).replace_schema_metadata(metadata or None)


def _show_schemas(got: pa.Schema, want: pa.Schema) -> str:
    def lines(schema: pa.Schema) -> str:
        return "\n".join(f"    {field.name}: {field.type}" for field in schema)

    return f"  promised:\n{lines(want)}\n  given:\n{lines(got)}"
