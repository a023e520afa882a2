"""Reads the weights of a CLIP from a file of any known format, without running its code."""
