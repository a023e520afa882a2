"""Drops single phrases of ``title_multi_objects``, instead of whole pairs.

An image may not show a neighbour that is on the map: a tree may hide it, or it was built later. Its
phrase then has a low score although the pair is good. One threshold applies to all pairs, and the
phrase of the focus object is never dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import InputError
from skyscript.files.phrases import AROUND, BETWEEN
from stages.filter.config import FilterConfig
from stages.filter.input_table import InputTable

if TYPE_CHECKING:
    import duckdb

PHRASES = "phrases_"
"""Prefix of the column of phrase scores: those of the neighbours, in order, separated by ``;``."""
MOST = 20
"""Number of phrases in the report."""
_STEP = 1e-4
"""Width of a bin of the histogram that gives a percentile, with bounded memory."""


class DroppedPhrases(NamedTuple):
    """The figures of dropped phrases."""

    below: float
    """The lowest score that is kept."""
    phrases: int
    dropped: int
    captions: int
    """Captions that lost a phrase."""
    most: list[tuple[str, int, int]]
    """The phrases dropped most often: phrase, number dropped, number in all captions."""


def drop_phrases(
    connection: duckdb.DuckDBPyConnection,
    input_rows: InputTable,
    scorer: str,
    config: FilterConfig,
) -> DroppedPhrases | None:
    """Drop phrases of ``title_multi_objects`` in ``input_rows``. Returns the figures.

    It returns None if the options drop no phrases. Raises `InputError` if a column is missing or
    has the wrong number of scores.
    """
    if config.phrases_below is None and not config.lowest_phrases:
        return None
    column = PHRASES + scorer
    for needed in (column, "title_multi_objects"):
        if needed not in input_rows.columns:
            raise InputError(
                f"{input_rows.name}: has no column {needed!r}, which is needed to drop phrases: "
                "score with --set score.phrases=true first."
            )
    _split_captions(connection, column, input_rows)
    below = max(_find_percentile(connection, config.lowest_phrases), config.phrases_below or -2.0)
    connection.execute(
        f"""
        UPDATE input_rows SET title_multi_objects = split.focus
            || CASE WHEN len(split.stay) = 0 THEN ''
            ELSE '{AROUND}' || array_to_string(split.stay, '{BETWEEN}') END
        FROM (
            SELECT row, focus, list_transform(list_filter(list_zip(phrases, scores),
                lambda pair: pair[2] >= {below}), lambda pair: pair[1]) AS stay
            FROM split WHERE len(list_filter(scores, lambda score: score < {below})) > 0
        ) AS split WHERE input_rows.rowid = split.row
        """
    )
    return _summarise(connection, below)


def _split_captions(
    connection: duckdb.DuckDBPyConnection, column: str, input_rows: InputTable
) -> None:
    """Create ``split`` (row, focus, phrases, scores) from the captions with phrase scores."""
    connection.execute(
        f"""
        CREATE TABLE split AS
        SELECT rowid AS row, string_split(title_multi_objects, '{AROUND}')[1] AS focus,
            string_split(title_multi_objects[len(focus) + {len(AROUND) + 1}:], '{BETWEEN}')
                AS phrases,
            TRY_CAST(string_split("{column}", ';') AS FLOAT[]) AS scores
        FROM input_rows WHERE "{column}" <> ''
        """
    )
    wrong = connection.execute(
        "SELECT row FROM split WHERE scores IS NULL OR len(phrases) <> len(scores) "
        "OR len(list_filter(scores, lambda score: isfinite(score))) < len(scores) "
        "ORDER BY row LIMIT 1"
    ).fetchall()
    if wrong:
        raise InputError(
            f"{input_rows.place_of(wrong[0][0])}: {column} does not hold a score for each phrase "
            "in title_multi_objects after 'surrounded by'; score the file again."
        )


def _find_percentile(connection: duckdb.DuckDBPyConnection, percent: int) -> float:
    """Return the score below which at most ``percent`` of all phrases are."""
    if not percent:
        return -2.0
    bins = connection.execute(f"""SELECT floor(score / {_STEP})::INT AS bin, count(*) FROM
            (SELECT unnest(scores) AS score FROM split) GROUP BY bin ORDER BY bin""").fetchall()
    left = sum(count for _, count in bins) * percent // 100
    for number, count in bins:
        if count > left:
            return float(number * _STEP)
        left -= count
    return 2.0


def _summarise(connection: duckdb.DuckDBPyConnection, below: float) -> DroppedPhrases:
    low = f"len(list_filter(scores, lambda score: score < {below}))"
    [(phrases, dropped, captions)] = connection.execute(
        f"""SELECT coalesce(sum(len(scores)), 0)::BIGINT, coalesce(sum(low), 0)::BIGINT,
            count(*) FILTER (WHERE low > 0) FROM (SELECT scores, {low} AS low FROM split)"""
    ).fetchall()
    most = connection.execute(
        f"""SELECT phrase, count(*) FILTER (WHERE score < {below}) AS low, count(*) FROM
            (SELECT unnest(phrases) AS phrase, unnest(scores) AS score FROM split)
            GROUP BY phrase HAVING low > 0 ORDER BY low DESC, phrase LIMIT {MOST}"""
    ).fetchall()
    connection.execute("DROP TABLE split")
    return DroppedPhrases(round(below, 6), phrases, dropped, captions, most)
