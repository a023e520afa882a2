"""The stage `fetch`: the images of the planned tiles."""

from stages.fetch.stage import FETCH

__all__ = ["FETCH"]
