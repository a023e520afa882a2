"""The library: read, caption, score and evaluate image-text pairs of the Earth, without a run."""
