"""SQL for the tags and the concept of a pair."""

from __future__ import annotations

from skyscript.files import phrases
from stages.filter.config import FilterConfig

TAGS = f"string_split(regexp_replace(title, '{phrases.PREFIX}', '', 'i'), ', ')"
"""SQL for the tags in a title: the texts between its commas, after the prefix."""


def concept_of(config: FilterConfig) -> str:
    """Give SQL for the concept of a pair: a column of the input, or the first tag of the title."""
    return "concept" if config.concept else f"{TAGS}[1]"
