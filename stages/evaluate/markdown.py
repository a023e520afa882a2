"""Markdown tables of figures in percent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NONE = "–"
"""A figure that there is not."""


def format_model(result: dict[str, Any]) -> str:
    """Format the name of a model, with the protocol."""
    return f"{result['model']['name']} ({result['protocol']})"


def format_value(share: float, interval: list[float] | None = None) -> str:
    """Format a share in percent, with half the width of its interval if there is one."""
    if interval is None:
        return f"{share * 100:.2f}"
    return f"{share * 100:.2f} ± {(interval[1] - interval[0]) * 50:.2f}"


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table whose columns are aligned."""
    cells = [header, *rows]
    wide = [max(len(row[at]) for row in cells) for at in range(len(header))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, wide, strict=True)) + " |"
             for row in cells]  # fmt: skip
    rule = "|" + "|".join("-" * (width + 2) for width in wide) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"
