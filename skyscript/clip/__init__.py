"""CLIP models: where they come from, how they are loaded, and the vectors that they compute."""
