"""Names from outside (a CSV, a zip, a tar) as places below a folder: one rule for all of them.

A name is taken where it names a file below the folder on every system: no ``..``, no leading slash,
no drive (``C:``), no backslash, no NUL, and not the empty name. ``.`` and doubled slashes are
passed over; ``~`` is a letter. Links inside the folder are the user's own and are followed.
"""

from __future__ import annotations

import re
from pathlib import Path

LEADS_OUT = r"^$|^/|^[A-Za-z]:|\\|\x00|(?:^|/)\.\.(?:/|$)"
"""Found in every name that is refused. Written for Arrow (RE2), where ``$`` is the very end."""
_LEADS_OUT = re.compile(LEADS_OUT.replace("$", r"\Z"))
_LONGEST_PART = 255


def leads_out(name: str) -> bool:
    """Say whether a name is refused because it may lead out of its folder."""
    return _LEADS_OUT.search(name) is not None


def plain(name: str) -> str:
    """Give a name without ``.`` and doubled slashes, so that equal places have equal names."""
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def below(root: Path, name: str) -> Path:
    """Give the place of a name below a folder. Raises `PermissionError` if it leads out."""
    if leads_out(name):
        raise PermissionError(name)
    return root / plain(name)


def member_problem(name: str, *, is_plain: bool) -> str | None:
    """Say why a member of an archive refuses the archive; None if it may be used.

    ``is_plain`` says that the member is a file or a folder: links and devices are refused.
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
