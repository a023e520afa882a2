"""The stage `fetch`: the images of the planned tiles."""

from stages.fetch.config import FetchConfig
from stages.fetch.stage import FETCH, fetch

__all__ = ["FETCH", "FetchConfig", "fetch"]
