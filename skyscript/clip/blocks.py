"""Finds the blocks of layers of a tower: the equal parts that it repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def find_blocks(tower: nn.Module) -> list[nn.Module]:
    """Give the outermost elements of lists and sequences of modules of one class.

    Those are the blocks of a transformer, and the bottlenecks of a ResNet.
    """
    from torch import nn

    found: list[nn.Module] = []
    for part in tower.children():
        elements = list(part.children())
        kinds = {type(element) for element in elements}
        is_list = isinstance(part, nn.ModuleList | nn.Sequential)
        if is_list and (len(kinds) == 1 or isinstance(part, nn.ModuleList)):
            found += [element for element in elements if any(True for _ in element.parameters())]
        else:
            found += find_blocks(part)
    return found
