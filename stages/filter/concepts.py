"""SQL for the tags and the concept of a pair."""

from __future__ import annotations

from skyscript.files.phrases import TAGS
from stages.filter.config import FilterConfig


def concept_of(config: FilterConfig) -> str:
    """Give SQL for the concept of a pair: a column of the input, or the first tag of the title."""
    return "concept" if config.concept else f"{TAGS}[1]"
