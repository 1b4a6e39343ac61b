"""Where the learned weights of a timm model are: in the cache, on a server that answers, or out of reach."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.architectures.hub_weights import cached_file, require_answer, require_hub

_DEFAULT_NAME = "pytorch_model.bin"  # what timm asks the hub for, after its safetensors twin
_SAFE_TWINS = {_DEFAULT_NAME: "model.safetensors", "open_clip_pytorch_model.bin": "open_clip_model.safetensors"}


def weights_at_hand(reference: Reference) -> Path | None:
    """Return the cached file of a model's learned weights, or None where timm can download them now.

    Raises:
        InvalidArgument: timm knows no learned weights of the model; field ``reference``.
        Unavailable: They are not in the cache, and their server does not answer.
    """
    import timm

    try:
        config = timm.get_pretrained_cfg(reference.target)
    except RuntimeError as error:  # a tag that the model does not have
        raise InvalidArgument.field("reference", f"'{reference}': {error}") from None
    what = f"the weights of 'timm:{reference.target}' are"
    if config is not None and config.hf_hub_id:
        names = _names(config.hf_hub_filename or _DEFAULT_NAME)
        found = cached_file(config.hf_hub_id, names)
        if found is None:
            require_hub(what, _advice(reference, f"run 'hf download {config.hf_hub_id} {names[0]} --local-dir FOLDER'"))
        return found
    if config is not None and config.url:
        found = _downloaded(config.url)
        if found is None:
            require_answer(config.url, what, _advice(reference, f"download {config.url}"))
        return found
    raise InvalidArgument.field(
        "reference", f"timm has no learned weights of '{reference.target}'; leave pretrained out or give checkpoint="
    )


def _names(name: str) -> list[str]:
    twin = _SAFE_TWINS.get(name, name.removesuffix(".bin") + ".safetensors" if name.endswith(".bin") else name)
    return list(dict.fromkeys([twin, name]))


def _downloaded(url: str) -> Path | None:
    """Return the file of an address in torch's cache."""
    import torch

    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(url).path).name
    return file if file.is_file() else None


def _advice(reference: Reference, how: str) -> str:
    return (
        f"on a machine with internet {how}, bring the file here and write "
        f"timm:{reference.target}?checkpoint=/path/to/the/file, or copy that machine's cache (HF_HOME) to this one"
    )
