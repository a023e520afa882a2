"""Checks what stages keep in a run for later runs: vectors of a CLIP, and journals of tiles.

It is checked for `skyscript verify`, after the tables.
"""

from __future__ import annotations

from pipeline.manifest import TableFolder
from pipeline.storage import Place

_MADE_FROM_VECTORS = "scores"
"""Making this table again computes the vectors that are missing, and no others."""


def remove_damaged_files(root: Place) -> list[Place]:
    """Remove damaged vectors, and damaged lines of journals; give the files.

    Where vectors were removed, the parts that need them are marked to be made again.
    """
    from skyscript.clip.vectors.store import remove_damaged
    from stages.fetch.tile_journal import remove_damaged_lines

    vectors = remove_damaged(root)
    table = TableFolder(root, _MADE_FROM_VECTORS)
    for shard in table.all_receipts() if vectors else ():
        table.revoke(shard)
    return vectors + remove_damaged_lines(root)
