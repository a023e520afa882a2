"""Safe paths: one rule for all names from a CSV, a zip or a tar.

A name is accepted if it names a file below the folder on every system: no ``..``, no leading slash,
no drive (``C:``), no backslash, no NUL, and not the empty name. ``.`` and double slashes are
removed; ``~`` has no special meaning. Links inside the folder belong to the user and are followed.
"""

from __future__ import annotations

import re
from typing import TypeVar, cast

from pipeline.storage import Place

Root = TypeVar("Root", bound=Place)

LEADS_OUT = r"^$|^/|^[A-Za-z]:|\\|\x00|(?:^|/)\.\.(?:/|$)"
"""Matches inside every rejected name. It is written for Arrow (RE2): ``$`` is the end of text."""
_LEADS_OUT = re.compile(LEADS_OUT.replace("$", r"\Z"))
_LONGEST_PART = 255


def leads_out(name: str) -> bool:
    """Tell whether a name may lead out of its folder."""
    return _LEADS_OUT.search(name) is not None


def normalise(name: str) -> str:
    """Give a name without ``.`` and double slashes, so that a file has only one name."""
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def below(root: Root, name: str) -> Root:
    """Give the path of a name below a folder. Raises `PermissionError` if it leads out."""
    if leads_out(name):
        raise PermissionError(name)
    return cast(Root, root / normalise(name))


def member_problem(name: str, *, is_plain: bool) -> str | None:
    """Give the reason to reject an archive because of one member; None if the member is safe.

    ``is_plain`` tells whether the member is a file or a folder; links and devices are rejected.
    """
    if leads_out(name):
        return "leads out of the archive"
    if not is_plain:
        return "is a link or a device"
    if not name.isprintable():
        return "has a name that cannot be printed"
    if any(
        len(part.encode("utf-8", "surrogateescape")) > _LONGEST_PART for part in name.split("/")
    ):
        return "has too long a name"
    return None
