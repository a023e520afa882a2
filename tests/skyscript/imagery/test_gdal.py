"""The errors of GDAL."""

import subprocess
import sys

FIRST = """
import sys

names = []
sys.addaudithook(lambda event, args: event == "import" and names.append(args[0]))
from skyscript.imagery.gdal import gdal_errors

gdal_errors()
print(next(name for name in names if name.startswith("rasterio")))
"""


def test_rasterio_is_imported_as_a_whole_so_that_threads_wait_for_each_other():
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "rasterio"
