"""Orders the training pairs: the first pairs of the order are kept.

- ``top``: the higher score first, as published.
- ``soft_cap``: sampling without replacement, as in Soft Cap Sampling (FLYT, NeurIPS 2025). Each
  step takes the pair with the highest sum of its score, a Gumbel draw and two penalties, which grow
  with the pairs of its caption and of its concept that were taken before. The draws are fixed, so
  the sequence is a sort: a pair's penalties follow from its ranks in its caption and its concept.
- ``balanced``: MetaCLIP's balance. A pair stays if its draw is below min(1, t / count), where count
  is the number of pairs of its concept. So a sort by draw * count gives an exact number of pairs,
  and t follows from that number.

Draws come from a hash of the path, and the score is measured from its median in units of half the
distance between its 16th and 84th percentile (a standard deviation, if it is normally distributed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.storage import Place
from skyscript import chance
from skyscript.clip.vectors.copies import Sameness, find_copies
from stages.filter.concepts import concept_of
from stages.filter.config import FilterConfig

if TYPE_CHECKING:
    import duckdb

_BATCH = 1 << 16


def order_pairs(
    connection: duckdb.DuckDBPyConnection, config: FilterConfig, vectors: Place | None
) -> None:
    """Create ``ordered`` (row, title, source, plain, worth) from ``candidates``.

    A higher worth comes first; of equal worth, the higher score. Pairs beyond ``max_per_caption``
    and ``max_per_image`` are not in the table. ``vectors`` is the folder of the images' vectors.
    """
    if config.max_per_image is None:
        connection.execute("CREATE TABLE copies (row BIGINT)")
    else:
        same = Sameness(config.max_per_image, config.near, config.alike, vectors)
        find_copies(connection, "candidates JOIN pairs USING (row)", same)
    if config.cut != "top":
        _draw(connection, config.seed, config.cut)
    value, worth = _CUTS[config.cut]
    group = "PARTITION BY source" if config.within == "source" else ""
    middle, spread = _measure(connection) if config.cut == "soft_cap" else (0.0, 1.0)
    connection.execute(
        f"""
        CREATE TABLE ordered AS
        WITH pool AS (
            SELECT row, source, plain, score FROM candidates ANTI JOIN copies USING (row)
            QUALIFY row_number() OVER ({group} ORDER BY plain)
                <= ceil(count(*) OVER ({group}) * {config.balance_from} / 100)
        ), valued AS (
            SELECT row, pool.source, plain, title, {concept_of(config)} AS concept,
                {value.format(middle=middle, spread=spread, noise=config.temperature)} AS value
            FROM pool JOIN pairs USING (row) JOIN input_rows ON input_rows.rowid = row
                {"" if config.cut == "top" else _JOIN_DRAWS}
        ), capped AS (
            SELECT *, row_number() OVER (PARTITION BY title ORDER BY value DESC, plain)
                AS of_caption FROM valued
            QUALIFY of_caption <= {config.max_per_caption or "of_caption"}
        ), lowered AS (
            SELECT *, value - {config.caption_penalty} * log2(of_caption) AS lower FROM capped
        )
        SELECT row, title, source, plain,
            {worth.format(penalty=config.concept_penalty)} AS worth FROM lowered
        """
    )


_JOIN_DRAWS = "JOIN draws USING (row)"
_OF_CONCEPT = "row_number() OVER (PARTITION BY concept ORDER BY lower DESC, plain)"
_CUTS = {
    "top": ("-plain", "value"),
    "soft_cap": (
        "(pool.score - {middle!r}) / {spread!r} - {noise} * ln(-ln(greatest(draw, 1e-17)))",
        f"lower - {{penalty}} * log2({_OF_CONCEPT})",
    ),
    "balanced": ("-draw", "value * count(*) OVER (PARTITION BY concept)"),
}
"""SQL of each cut: the value of a pair by itself, and its worth among the others."""


def _draw(connection: duckdb.DuckDBPyConnection, seed: int, purpose: str) -> None:
    """Register ``draws`` (row, draw): a draw for each candidate from a hash of its path."""
    reader = connection.sql(
        "SELECT row, filepath FROM candidates JOIN input_rows ON input_rows.rowid = row"
    ).to_arrow_reader(_BATCH)
    rows, draws = [np.empty(0, np.int64)], [np.empty(0)]
    for batch in reader:
        rows.append(batch["row"].to_numpy())
        draws.append(chance.uniforms(seed, batch["filepath"].to_pylist(), purpose))
    table = {"row": np.concatenate(rows), "draw": np.concatenate(draws)}
    connection.register("draws", pa.table(table))


def _measure(connection: duckdb.DuckDBPyConnection) -> tuple[float, float]:
    """Give the median of the scores and their spread, 1 if they are all equal."""
    [(middle, low, high)] = connection.execute(
        "SELECT quantile_disc(score, 0.5), quantile_disc(score, 0.16), quantile_disc(score, 0.84) "
        "FROM candidates"
    ).fetchall()
    return middle, (high - low) / 2 or 1.0
