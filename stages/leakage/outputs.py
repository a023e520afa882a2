"""What leakage writes: the pairs, the figures, and the list of images to leave out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.atomic import write_file, write_json
from pipeline.scratch import view
from skyscript.files.pairs_csv import write_pairs
from stages.leakage.config import LeakageConfig
from stages.leakage.pictures import Picture

if TYPE_CHECKING:
    import duckdb

_BATCH = 4096
PAIRS, FIGURES, LEAVE_OUT = "leakage.parquet", "leakage.json", "leave_out.csv"
_KINDS = {
    "bytes": "the same file",
    "pixels": "the same pixels in another file",
    "near": "near-duplicate",
    "place": "the same place",
    "vector": "similar vector",
}
_SHOWN = 3


class Counts(NamedTuple):
    """How many images were compared."""

    ours: int
    theirs: Mapping[str, int]
    """The number of images of each benchmark."""
    placed: Mapping[str, int]
    """The number of images of each benchmark whose place is known."""
    unusable: Sequence[tuple[Picture, str]]
    """Images whose pixels could not be decoded, with the reason."""


class Leaks(NamedTuple):
    """The figures of a comparison."""

    figures: dict[str, Any]

    def lines(self) -> list[str]:
        """Describe the figures in lines for the terminal."""
        found = self.figures
        lines = [f"{found['images']:>10,}  images of the run compared"]
        for name, one in found["benchmarks"].items():
            placed = one["with_a_place"]
            lines.append(
                f"{one['images']:>10,}  images of {name}, {placed:,} with a place: "
                f"{one['leaked']:,} leaked ({one['leaked'] / one['images']:.2%})"
            )
            for kind, what in _KINDS.items():
                if pairs := one["pairs"].get(kind):
                    lines.append(
                        f"{pairs['theirs']:>14,}  {what}: as {pairs['ours']:,} images of the run"
                    )
        for reason, examples in found["not_compared"].items():
            lines.append(
                f"{examples['images']:>10,}  images not compared by their pixels: {reason} "
                f"({', '.join(examples['examples'])})"
            )
        return [*lines, f"{found['left_out']:>10,}  images of the run to leave out ({LEAVE_OUT})"]


def write_outputs(
    connection: duckdb.DuckDBPyConnection,
    matches: Path,
    out: Path,
    config: LeakageConfig,
    counts: Counts,
) -> Leaks:
    """Write the pairs in order, the list of images to leave out, and the figures."""
    view(connection, "matches", matches)
    order = "benchmark, theirs, ours, kind"
    write_file(out / PAIRS, lambda path: _copy(connection, f"FROM matches ORDER BY {order}", path))
    kinds = ", ".join(f"'{kind}'" for kind in config.leave_out) or "NULL"
    chosen = connection.execute(
        "SELECT ours, min(benchmark), arg_min(theirs, (benchmark, theirs)), "
        f"array_to_string(list_sort(list(DISTINCT kind)), ';') FROM matches WHERE kind IN ({kinds})"
        " GROUP BY ours ORDER BY ours"
    )
    header = ("filepath", "benchmark", "theirs", "kinds")
    left_out = 0

    def write(path: Path) -> None:
        nonlocal left_out
        rows = (row for batch in iter(lambda: chosen.fetchmany(_BATCH), []) for row in batch)
        left_out = write_pairs(path, header, rows)

    write_file(out / LEAVE_OUT, write)
    figures = {
        "options": config.model_dump(mode="json", exclude={"captions", "device", "threads"}),
        "images": counts.ours,
        "benchmarks": _by_benchmark(connection, config, counts),
        "not_compared": _reasons(counts.unusable),
        "left_out": left_out,
    }
    write_json(out / FIGURES, figures)
    return Leaks(figures)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    connection.sql(query).write_parquet(str(path), compression="zstd")


def _by_benchmark(
    connection: duckdb.DuckDBPyConnection,
    config: LeakageConfig,
    counts: Counts,
) -> dict[str, Any]:
    """Give the numbers of images and pairs of each benchmark; leaked ones are of kinds left out."""
    pairs: dict[str, dict[str, Any]] = {name: {} for name in counts.theirs}
    for name, kind, rows, ours, theirs in connection.execute(
        "SELECT benchmark, kind, count(*), count(DISTINCT ours), count(DISTINCT theirs) "
        "FROM matches GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        pairs[name][kind] = {"pairs": rows, "ours": ours, "theirs": theirs}
    leaked = dict(
        connection.execute(
            "SELECT benchmark, count(DISTINCT theirs) FROM matches WHERE list_contains(?, kind) "
            "GROUP BY ALL",
            [list(config.leave_out)],
        ).fetchall()
    )
    return {
        name: {
            "images": count,
            "with_a_place": counts.placed.get(name, 0),
            "leaked": leaked.get(name, 0),
            "pairs": pairs[name],
        }
        for name, count in counts.theirs.items()
    }


def _reasons(unusable: Sequence[tuple[Picture, str]]) -> dict[str, Any]:
    """Give the number of images that could not be decoded and some of them, by reason."""
    numbers = Counter(reason for _, reason in unusable)
    return {
        reason: {
            "images": count,
            "examples": [p.path for p, why in unusable if why == reason][:_SHOWN],
        }
        for reason, count in numbers.items()
    }
