"""The space for libosmium's files is checked before it writes them."""

import shutil
from types import SimpleNamespace

import pytest

from pipeline.errors import StorageError
from skyscript.osm.node_index import require_space


def test_as_much_space_as_is_needed_is_enough_and_one_byte_less_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000))
    require_space(tmp_path, 5_000_000)
    with pytest.raises(StorageError, match="needs 5 MB of scratch space, and 5 MB are free"):
        require_space(tmp_path, 5_000_001)
