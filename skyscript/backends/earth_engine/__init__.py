"""Google Earth Engine: searches images, gets a tile with one request, respects the quota.

From the outside in: `source` (config, backend), `search` (which images there are), `pixels` (a
tile's request and answer), `calls` (what an error means), `account` (credentials, the client),
`transport` (HTTP for the client).
"""

from skyscript.backends.earth_engine.source import EarthEngineBackend, EarthEngineSource

__all__ = ["EarthEngineBackend", "EarthEngineSource"]
