"""Which kind of model a checkpoint of transformers is."""

from __future__ import annotations

from typing import Any

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.architectures.hf_kinds import CausalLanguageModel, HFKind, ImageClassifier
from palmette_plugins.architectures.hf_text_encoders import ENCODERS

_KINDS: tuple[HFKind, ...] = (CausalLanguageModel(), ImageClassifier(), ENCODERS["dense"], ENCODERS["cross"])


def kind_of(config: Any, reference: Reference, encoder: str | None = None) -> HFKind:
    """Return the kind of a checkpoint; raise `InvalidArgument` for one that the suite does not know.

    Args:
        config: transformers' configuration.
        reference: For the message.
        encoder: The kind of text encoder that it shall be, whatever head it has; None to go by its architecture.
    """
    if encoder is not None:
        return ENCODERS[encoder]
    architectures = list(getattr(config, "architectures", None) or [])
    for kind in _KINDS:
        names = kind.class_names().get(config.model_type, ())
        if any(name in architectures for name in ([names] if isinstance(names, str) else names)):
            return kind
    named = ", ".join(architectures) or "no architecture"
    raise InvalidArgument.field(
        "reference",
        f"'{reference}' holds {named}; supported are causal language models, image classifiers and text encoders",
    )
