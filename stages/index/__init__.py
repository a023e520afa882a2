"""The stage `index`: the scenes that tiles can be cut from."""

from stages.index.stage import INDEX

__all__ = ["INDEX"]
