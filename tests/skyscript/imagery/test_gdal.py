"""The import of GDAL, and its errors."""

import subprocess
import sys

import pytest

FIRST = """
import sys

import pytest

names = []
sys.addaudithook(lambda event, args: event == "import" and names.append(args[0]))
from skyscript.imagery.gdal import gdal_errors

gdal_errors()
print(next(name for name in names if name.startswith("rasterio")))
"""


def test_rasterio_is_imported_as_a_whole_so_that_threads_wait_for_each_other():
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "rasterio"


IN_THREADS = """
import sys

import pytest
from stages.fetch import stage

def is_whole(row):
    module = sys.modules.get("rasterio")
    return module is not None and not module.__spec__._initializing and hasattr(module, "Env")

assert "rasterio" not in sys.modules
print(stage._concurrently([{"candidates": []}] * 4, is_whole, at_once=4))
"""


@pytest.mark.slow
def test_threads_that_fetch_tiles_find_it_imported():
    command = [sys.executable, "-c", IN_THREADS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([True] * 4)
