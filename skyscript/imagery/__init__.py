"""Imagery without its backends: the protocol, scenes, rasters, warping and outlines."""
