"""The key that signs tokens: made once, kept where only the user can read it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from palmette_gateway.private_files import create_private, replace_file

ALGORITHM = "ES256"
CURVE = "P-256"
KEY_FILE = "signing-key.pem"
PUBLIC_KEYS_FILE = "jwks.json"

log = structlog.get_logger(__name__)


class SigningKeyError(Exception):
    """The signing key cannot be used; the message names the file and what to do."""


def load_or_create(folder: Path) -> ECKey:
    """Return the signing key of `folder`, made now if there is none, and write the public keys beside it.

    Raises:
        SigningKeyError: The folder cannot be written or the file holds no such key.
    """
    path = folder / KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists() and create_private(path, ECKey.generate_key(CURVE).as_pem(private=True)):
            log.info("made a signing key", path=str(path))
        _close_to_others(path)
        key = ECKey.import_key(path.read_bytes())
        replace_file(folder / PUBLIC_KEYS_FILE, public_keys(key).encode(), mode=0o644)
    except OSError as error:
        raise SigningKeyError(f"cannot use the folder of PALMETTE_AUTH_DIR, {folder}: {error}") from error
    except (JoseError, ValueError) as error:
        raise SigningKeyError(f"{path} holds no {CURVE} key ({error}): delete it, and every token is void") from error
    if not key.is_private or key.curve_name != CURVE:
        raise SigningKeyError(f"{path} must hold a private {CURVE} key: delete it, and every token is void")
    return key


def public_keys(key: ECKey) -> str:
    """The JSON Web Key Set that verifies what `key` signed."""
    public = ECKey.import_key(key.as_dict(private=False), {"kid": key_id(key), "use": "sig", "alg": ALGORITHM})
    return json.dumps(KeySet([public]).as_dict(private=False), sort_keys=True)


def key_id(key: ECKey) -> str:
    """Name of the key in tokens: its RFC 7638 thumbprint."""
    return key.thumbprint()


def _close_to_others(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        log.warning("the signing key was readable by others; closed it", path=str(path), mode=f"{mode:o}")
        path.chmod(0o600)
