"""The stage `index`: the scenes that tiles can be cut from."""

from stages.index.config import IndexConfig
from stages.index.stage import INDEX, index

__all__ = ["INDEX", "IndexConfig", "index"]
