"""An Earth Engine on localhost, which the unmodified client takes for the service.

It answers with the discovery document and the algorithms that the client's own wheel carries, and
it is strict: what the service would refuse, it refuses.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pipeline.atomic import content_id
from tests.emulators.earth_expressions import Assets, Evaluator, Framed
from tests.emulators.earth_images import EarthImage, Refused, encode, invalid
from tests.emulators.earth_requests import (
    asset_filter,
    check_fields,
    check_size,
    drawing,
    partial,
    pixel_grid,
)
from tests.emulators.earth_server import EarthHandler
from tests.emulators.faults import Faults
from tests.emulators.server import Emulator

PROJECT = "toy-project"
PUBLIC = "projects/earthengine-public/assets/"


class EarthEngine(Emulator):
    """The emulated service: assets, faults, and an account of what was asked."""

    def __init__(
        self,
        collections: Assets | None = None,
        single: Iterable[EarthImage] = (),
        faults: Faults | None = None,
    ) -> None:
        super().__init__(EarthHandler, faults)
        self.collections = dict(collections or {})
        self.images = {image.asset_id: image for image in single}
        self.images |= {i.asset_id: i for group in self.collections.values() for i in group}
        self.tokens: dict[str, float] = {}
        self.token_seconds = 3600.0
        self.revoked = False
        self.masked_as_black = False
        """Whether answers have black pixels where the image has none, instead of alpha."""
        self.asked: list[tuple[str, str]] = []
        """(asset, grid) of every request for pixels that was answered with pixels."""
        self.sent: set[str] = set()
        """Content ids of all pixels that were sent."""
        self.thumbnails: dict[str, Mapping[str, Any]] = {}

    def token(self) -> dict[str, Any]:
        if self.revoked:
            raise Refused(400, "invalid_grant", "Invalid grant: account not found")
        token = uuid.uuid4().hex
        self.tokens[token] = time.monotonic() + self.token_seconds
        return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}

    def check(self, headers: Mapping[str, str]) -> None:
        token = (headers.get("Authorization") or "").removeprefix("Bearer ")
        if self.tokens.get(token, 0) <= time.monotonic():
            raise Refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if headers.get("x-goog-user-project", PROJECT) != PROJECT:
            raise Refused(
                403,
                "PERMISSION_DENIED",
                "Caller does not have required permission to use project "
                f"{headers['x-goog-user-project']}. Grant the caller the "
                "roles/serviceusage.serviceUsageConsumer role.",
            )

    def list_assets(self, name: str, query: Mapping[str, list[str]]) -> dict[str, Any]:
        unknown = set(query) - {"pageSize", "pageToken", "filter", "view", "fields", "alt"}
        if unknown:
            raise invalid(f"Unknown name {sorted(unknown)[0]!r}: Cannot bind query parameter.")
        if query.get("view", ["FULL"])[0] not in {"FULL", "BASIC", "BASIC_SYNC"}:
            raise invalid(f"Invalid value at 'view': {query['view'][0]!r}")
        asset_id = _asset_id(name)
        if asset_id in self.images:
            raise invalid(f"Asset '{asset_id}' is not a collection or a folder.")
        if asset_id not in self.collections:
            raise Refused(404, "NOT_FOUND", f"Asset '{asset_id}' not found.")
        passes = asset_filter(query.get("filter", [""])[0])
        found = [image for image in self.collections[asset_id] if passes(image)]
        start = int(query.get("pageToken", ["0"])[0])
        end = start + min(int(query.get("pageSize", ["1000"])[0]), 1000)
        answer: dict[str, Any] = {"assets": [image.asset() for image in found[start:end]]}
        if end < len(found):
            answer["nextPageToken"] = str(end)
        return partial(answer, query.get("fields", [""])[0])

    def asset(self, name: str) -> dict[str, Any]:
        asset_id = _asset_id(name)
        if asset_id in self.collections:
            return {"type": "IMAGE_COLLECTION", "name": name, "id": asset_id}
        return self._image(asset_id).asset()

    def _image(self, asset_id: str) -> EarthImage:
        if asset_id not in self.images:
            raise Refused(404, "NOT_FOUND", f"Asset '{asset_id}' not found.")
        return self.images[asset_id]

    def get_pixels(self, name: str, body: Mapping[str, Any]) -> tuple[str, bytes]:
        check_fields(
            body,
            {"fileFormat", "grid", "region", "bandIds", "visualizationOptions", "workloadTag"},
        )
        if "region" in body:
            raise invalid("the emulator wants a grid alone")
        return self._draw(self._image(_asset_id(name)), body)

    def compute_pixels(self, name: str, body: Mapping[str, Any]) -> tuple[str, bytes]:
        _check_project(name)
        check_fields(
            body,
            {"expression", "fileFormat", "grid", "bandIds", "visualizationOptions", "workloadTag"},
        )
        return self._draw(self._evaluate(body), body)

    def get_thumbnail(self, name: str) -> tuple[str, bytes]:
        body = dict(self.thumbnails[name])
        check_fields(body, {"expression", "fileFormat", "bandIds", "filenamePrefix"})
        image = self._evaluate(body)
        if not isinstance(image, Framed):
            raise invalid("the emulator wants a region with dimensions")
        samples, valid = image.pixels(image.grid, body["bandIds"])
        return encode(samples, valid, body["fileFormat"], body["bandIds"])

    def _draw(self, image: Any, body: Mapping[str, Any]) -> tuple[str, bytes]:
        grid, bands = pixel_grid(body), body.get("bandIds")
        if not bands:
            raise invalid("the emulator wants bandIds to be named")
        options, form = body.get("visualizationOptions"), body.get("fileFormat", "AUTO_JPEG_PNG")
        check_size(grid, len(bands), 1 if options else image.sample_bytes())
        samples, valid = image.pixels(grid, bands)
        samples = drawing(samples, form, options)
        if self.masked_as_black:
            valid = np.ones_like(valid)
        answer = encode(samples, valid, form, bands)
        self.asked.append((getattr(image, "asset_id", "mosaic"), repr(grid)))
        self.sent.add(content_id(answer[1]))
        return answer

    def compute_value(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        _check_project(name)
        check_fields(body, {"expression", "workloadTag"})
        return {"result": self._evaluate(body)}

    def _evaluate(self, body: Mapping[str, Any]) -> Any:
        expression = body.get("expression")
        if not expression:
            raise invalid("Required field 'expression' is missing.")
        check_fields(expression, {"result", "values"})
        return Evaluator(expression, self.images, self.collections).value()


def _check_project(name: str) -> None:
    if name != f"projects/{PROJECT}":
        raise Refused(403, "PERMISSION_DENIED", f"No permission to use project {name}.")


def _asset_id(name: str) -> str:
    return name.removeprefix(PUBLIC)
