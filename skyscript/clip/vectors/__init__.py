"""Vectors of images and texts under a CLIP: computed once, kept, and found again by content."""
