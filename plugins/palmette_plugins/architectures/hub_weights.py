"""Learned weights on the Hugging Face hub: found in the user's cache, or refused at once when they cannot be fetched.

The hub's own client tries a hub that does not answer again and again, for minutes. It is asked only after the hub has
answered once.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from palmette_plugins.api.errors import Unavailable

_TIMEOUT_S = 5.0


def cached_file(repository: str, names: Sequence[str]) -> Path | None:
    """Return the first of a repository's files (``name`` or ``name@revision``) that is in the cache; asks no server."""
    from huggingface_hub import try_to_load_from_cache

    name, _, revision = repository.partition("@")
    for file in names:
        found = try_to_load_from_cache(name, file, revision=revision or None)
        if isinstance(found, str):  # else unknown, or known not to exist
            return Path(found)
    return None


def cached_folder(repository: str) -> Path | None:
    """Return the folder of a whole repository in the cache; asks no server."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError):
        return None


def require_hub(what: str, advice: str) -> None:
    """Raise `Unavailable` unless the hub (``HF_ENDPOINT``) answers, or when ``HF_HUB_OFFLINE`` forbids to ask it.

    Args:
        what: What is needed from it, as the start of a sentence.
        advice: What to do without it.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise Unavailable(f"{what} not in the cache, and HF_HUB_OFFLINE forbids to ask the hub; {advice}")
    chosen = constants.HF_HUB_ETAG_TIMEOUT != constants.DEFAULT_ETAG_TIMEOUT
    require_answer(constants.ENDPOINT, what, advice, constants.HF_HUB_ETAG_TIMEOUT if chosen else _TIMEOUT_S)


def require_answer(url: str, what: str, advice: str, timeout_s: float = _TIMEOUT_S) -> None:
    """Raise `Unavailable` unless the server of `url` answers, whatever it says. Proxies are taken from the environment.

    Args:
        url: An address with http or https.
        what: What is needed from it, as the start of a sentence.
        advice: What to do without it.
        timeout_s: How long to wait for a connection, and then for an answer.
    """
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=timeout_s):
            return
    except urllib.error.HTTPError:
        return
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return  # it answered; the downloader has certificates of its own
        raise Unavailable(f"{what} not in the cache, and {url} could not be reached ({cause}); {advice}") from None
