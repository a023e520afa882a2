"""Google Earth Engine: an index of footprints, one request a tile, and no more than the quota.

From the outside in: `source` (config, backend), `search` (which images there are), `pixels` (a
tile's request and answer), `calls` (errors and retries), `account` (credentials, the client),
`transport` (the HTTP under the client).
"""

from skyscript.backends.earth_engine.source import EarthEngineBackend, EarthEngineSource

__all__ = ["EarthEngineBackend", "EarthEngineSource"]
