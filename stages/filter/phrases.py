"""Drops single phrases of captions of all objects, in place of whole pairs.

A neighbour on the map need not be seen in the image: a tree may hide it, or it was built later. Its
phrase then scores low though the pair is good. What is dropped is decided over all pairs at once,
and the object's own phrase always stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import InputError
from skyscript.files.phrases import AROUND, BETWEEN
from stages.filter import sql as asking
from stages.filter.config import FilterConfig
from stages.filter.input_table import Given

if TYPE_CHECKING:
    import duckdb

PHRASES = "phrases_"
"""Begins the column of the phrases' scores: those of the neighbours, in order, with ; between."""
MOST = 20
_STEP = 1e-4
"""Of the histogram that a share is read from: bounded, however many phrases there are."""


class Dropped(NamedTuple):
    """What became of the phrases."""

    below: float
    """The least score that stays."""
    phrases: int
    dropped: int
    captions: int
    """Captions that lost a phrase."""
    most: list[tuple[str, int, int]]
    """The phrases dropped most often: the phrase, how often dropped, of how many."""


def drop_phrases(
    connection: duckdb.DuckDBPyConnection,
    given: Given,
    scorer: str,
    config: FilterConfig,
) -> Dropped | None:
    """Change ``title_multi_objects`` in ``given``; none where no phrase is to be dropped."""
    if config.phrases_below is None and not config.lowest_phrases:
        return None
    column = PHRASES + scorer
    for needed in (column, "title_multi_objects"):
        if needed not in given.columns:
            raise InputError(
                f"{given.name}: has no column {needed!r}, which dropping phrases needs: score with "
                "--set score.phrases=true first."
            )
    _split(connection, column, given)
    below = max(_lowest(connection, config.lowest_phrases), config.phrases_below or -2.0)
    connection.execute(
        f"""
        UPDATE given SET title_multi_objects = split.focus || CASE WHEN len(split.stay) = 0 THEN ''
            ELSE '{AROUND}' || array_to_string(split.stay, '{BETWEEN}') END
        FROM (
            SELECT row, focus, list_transform(list_filter(list_zip(phrases, scores),
                lambda pair: pair[2] >= {below}), lambda pair: pair[1]) AS stay
            FROM split WHERE len(list_filter(scores, lambda score: score < {below})) > 0
        ) AS split WHERE given.rowid = split.row
        """
    )
    return _account(connection, below)


def _split(connection: duckdb.DuckDBPyConnection, column: str, given: Given) -> None:
    """Make ``split`` (row, focus, phrases, scores) of the captions whose phrases have scores."""
    connection.execute(
        f"""
        CREATE TABLE split AS
        SELECT rowid AS row, string_split(title_multi_objects, '{AROUND}')[1] AS focus,
            string_split(title_multi_objects[len(focus) + {len(AROUND) + 1}:], '{BETWEEN}')
                AS phrases,
            TRY_CAST(string_split("{column}", ';') AS FLOAT[]) AS scores
        FROM given WHERE "{column}" <> ''
        """
    )
    wrong = asking.rows(
        connection,
        "SELECT row FROM split WHERE scores IS NULL OR len(phrases) <> len(scores) "
        "OR len(list_filter(scores, lambda score: isfinite(score))) < len(scores) "
        "ORDER BY row LIMIT 1",
    )
    if wrong:
        raise InputError(
            f"{given.place_of(wrong[0][0])}: {column} does not hold a score for each phrase of "
            "title_multi_objects after 'surrounded by'; score the file again."
        )


def _lowest(connection: duckdb.DuckDBPyConnection, percent: int) -> float:
    """Give the score below which at most so many percent of all phrases lie."""
    if not percent:
        return -2.0
    bins = asking.rows(
        connection,
        f"""SELECT floor(score / {_STEP})::INT AS bin, count(*) FROM
            (SELECT unnest(scores) AS score FROM split) GROUP BY bin ORDER BY bin""",
    )
    left = sum(count for _, count in bins) * percent // 100
    for number, count in bins:
        if count > left:
            return float(number * _STEP)
        left -= count
    return 2.0


def _account(connection: duckdb.DuckDBPyConnection, below: float) -> Dropped:
    phrases, dropped, captions = asking.row(
        connection,
        f"""SELECT coalesce(sum(len(scores)), 0)::BIGINT, coalesce(sum(low), 0)::BIGINT,
            count(*) FILTER (WHERE low > 0) FROM (SELECT scores,
                len(list_filter(scores, lambda score: score < {below})) AS low FROM split)""",
    )
    most = asking.rows(
        connection,
        f"""SELECT phrase, count(*) FILTER (WHERE score < {below}) AS low, count(*) FROM
            (SELECT unnest(phrases) AS phrase, unnest(scores) AS score FROM split)
            GROUP BY phrase HAVING low > 0 ORDER BY low DESC, phrase LIMIT {MOST}""",
    )
    connection.execute("DROP TABLE split")
    return Dropped(round(below, 6), phrases, dropped, captions, most)
