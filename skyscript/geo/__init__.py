"""Geometry without data: tiles in Web Mercator, Hilbert order, objects near a box."""
