"""Short questions: those whose whole answer is small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb


def rows(connection: duckdb.DuckDBPyConnection, question: str) -> list[tuple[Any, ...]]:
    """Give all rows of an answer."""
    return connection.execute(question).fetchall()


def row(connection: duckdb.DuckDBPyConnection, question: str) -> tuple[Any, ...]:
    """Give the one row of an aggregate's answer."""
    (found,) = rows(connection, question)
    return found
