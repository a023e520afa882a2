"""Finds images by their file names, among millions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]


class ImageNumbers:
    """The file names of images, sorted: a look-up of millions of them takes little memory."""

    def __init__(self, paths: pa.Array) -> None:
        names = _base_names(paths)
        self._order = np.argsort(names, kind="stable")
        self._sorted = names[self._order]

    def find(self, paths: pa.Array) -> Ints:
        """Give the number of the image of each path; -1 if there is none."""
        encoded = paths.dictionary_encode()
        names = _base_names(encoded.dictionary)
        at = np.searchsorted(self._sorted, names)
        at[at == len(self._sorted)] = 0
        number = np.where(self._sorted[at] == names, self._order[at], -1)
        found: Ints = number[encoded.indices.to_numpy()]
        return found


def _base_names(paths: pa.Array) -> npt.NDArray[np.bytes_]:
    names = pc.replace_substring_regex(paths.cast(pa.large_string()), r"^.*/", "")
    return np.array(names.cast(pa.large_binary()).to_numpy(zero_copy_only=False), dtype=np.bytes_)
