"""The libraries of the explorer, from the packages that carry them: no code of others is here."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
from collections.abc import Mapping
from importlib.resources import files

from pipeline.atomic import content_id, read_sealed_json, write_sealed_json
from pipeline.errors import StorageError
from pipeline.storage import cache_folder

PACKAGES = ("django-js-lib-leaflet", "vl-convert-python")
_GLOBAL = "window.vegaEmbed = vegaEmbed;"


def versions() -> Mapping[str, str]:
    """Give the version of each package, by its name."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


@functools.cache
def library_files() -> Mapping[str, bytes]:
    """Give the files of Leaflet (map) and of Vega (charts), by their path in the report.

    The package of Leaflet was made for Django, but its files are those of Leaflet 1.9.4 unchanged,
    and it needs nothing else. ``vl_convert`` carries Vega, Vega-Lite and Vega-Embed.
    """
    leaflet = files("js_lib_leaflet") / "static" / "js_lib_leaflet"
    return {
        "vendor/leaflet.js": _without_map((leaflet / "leaflet.js").read_bytes()),
        "vendor/leaflet.css": (leaflet / "leaflet.css").read_bytes(),
        # In a function of its own, so that its short names are not seen by other scripts.
        "vendor/vega.js": f"(() => {{{_vega_bundle()}}})();\n".encode(),
    }


def _vega_bundle() -> str:
    """Give Vega's script from the user's cache folder, or bundle it, which takes 1.5 s of CPU."""
    of = content_id(f"{importlib.metadata.version('vl-convert-python')} {_GLOBAL}".encode())
    kept = cache_folder() / "vega" / f"{of}.json"
    with contextlib.suppress(OSError):  # a cache that cannot be read or written is done without
        if (held := read_sealed_json(kept)) is not None:
            return str(held["script"])

    import vl_convert

    script: str = vl_convert.javascript_bundle(_GLOBAL)
    with contextlib.suppress(OSError, StorageError):
        write_sealed_json(kept, {"script": script})
    return script


def _without_map(script: bytes) -> bytes:
    """Drop the name of the source map, which a browser's tools would ask for."""
    return script.rpartition(b"//# sourceMappingURL=")[0] or script
