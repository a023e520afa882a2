"""The machine that runs stages; it knows nothing about OSM, imagery or CLIP."""
