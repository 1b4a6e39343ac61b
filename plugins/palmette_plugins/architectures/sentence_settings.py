"""What a sentence-transformers folder says about an encoder beside its weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from palmette_plugins.api.errors import InvalidArgument

_POOLING_FLAGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
}


def sentence_settings(folder: Path) -> dict[str, Any]:
    """Return the parameters of an encoder as far as the folder says them; nothing for a plain checkpoint.

    They are ``encoder``, ``pooling``, ``normalize``, ``max_tokens``, ``query_prefix`` and ``passage_prefix``.

    Raises:
        InvalidArgument: It has a module that the suite has no counterpart of; field ``reference``.
    """
    modules = _json(folder / "modules.json")
    if not isinstance(modules, list):
        return {}
    found: dict[str, Any] = {"encoder": "dense", "normalize": False}
    for module in modules:
        kind = str(module.get("type", "")).rsplit(".", 1)[-1]
        if kind == "Pooling":
            found["pooling"] = _pooling(_json(folder / str(module["path"]) / "config.json") or {}, folder)
        elif kind == "Normalize":
            found["normalize"] = True
        elif kind == "SpladePooling":
            found["encoder"] = "splade"
        elif kind not in ("Transformer", "MLMTransformer"):
            raise InvalidArgument.field("reference", f"{folder} has the module {kind}, which hf: cannot do")
    longest = (_json(folder / "sentence_bert_config.json") or {}).get("max_seq_length")
    if longest:
        found["max_tokens"] = int(longest)
    prompts = (_json(folder / "config_sentence_transformers.json") or {}).get("prompts") or {}
    for name, keys in (("query_prefix", ("query",)), ("passage_prefix", ("document", "passage", "corpus"))):
        texts = [prompts[key] for key in keys if prompts.get(key)]
        if texts:
            found[name] = str(texts[0])
    return found


def _pooling(config: dict[str, Any], folder: Path) -> str:
    named = config.get("pooling_mode")
    chosen = [name for flag, name in _POOLING_FLAGS.items() if config.get(flag)]
    others = [flag for flag, on in config.items() if flag.startswith("pooling_mode_") and on is True]
    if isinstance(named, str) and named in _POOLING_FLAGS.values():
        return named
    if len(chosen) != 1 or len(others) != 1:
        raise InvalidArgument.field("reference", f"{folder} pools by {named or others}; hf: can do mean, cls and max")
    return chosen[0]


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except ValueError as error:
        raise InvalidArgument.field("reference", f"{file} is not JSON: {error}") from None
