"""Lets a test read OSM files in its own process, so that it can change how they are read."""

from stages.extract import stage
from stages.extract.reading import read_here


def read_here_always(monkeypatch):
    monkeypatch.setattr(
        stage, "read_files", lambda reading, folder: read_here(None, reading, folder)
    )
