"""Geometry that knows no data: tiles in Web Mercator, Hilbert order, nearest objects."""
