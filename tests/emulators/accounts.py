"""A service account's key file whose tokens come from an emulator."""

import json
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@lru_cache
def _key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def key_file(path: Path, url: str, project: str = "toy-project") -> Path:
    """Write the key file of an account that an emulator at an address knows."""
    content = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": "1",
        "private_key": _key(),
        "client_email": f"robot@{project}.iam.gserviceaccount.com",
        "client_id": "1",
        # Another host than the service's, as in life.
        "token_uri": f"{url.replace('127.0.0.1', 'localhost')}/token",
    }
    path.write_text(json.dumps(content))
    return path
