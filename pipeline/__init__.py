"""The machine that runs stages; it knows nothing of OSM, imagery or CLIP."""
