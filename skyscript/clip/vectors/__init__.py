"""Vectors of images and texts from a CLIP: computed once, then stored by content."""
