"""A folder of files as a source, and the sentence with which it is refused."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.errors import InputError
from skyscript.backends.folder import FolderBackend, FolderSource

NO_OBJECTS = pa.table({})


def source(path: Path, **fields: Any) -> FolderSource:
    return FolderSource(path=path, **({"acquired": 2019} | fields))


def refusal(config: FolderSource) -> str:
    with pytest.raises(InputError) as caught:
        FolderBackend(config).scenes("CH")
    return str(caught.value)
