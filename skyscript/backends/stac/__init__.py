"""STAC APIs as a source of images: search, signed links, and reading tiles by HTTP ranges."""
