"""The kinds of transformers models that the suite knows, and what each needs."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import FieldViolation, InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.api.spec import ModelIO
from palmette_plugins.architectures.causal_lm import CausalLM

_DEFAULT_CONTEXT = 128


class HFKind(ABC):
    """One kind of model.

    Attributes:
        task: The suite's task that it does.
        has_classes: Its head answers with classes, and can be made anew for others.
    """

    task: ClassVar[str]
    has_classes: ClassVar[bool]

    @abstractmethod
    def class_names(self) -> Mapping[str, str | Sequence[str]]:
        """Return transformers' classes of this kind by the configuration's `model_type`."""

    @abstractmethod
    def factory(self) -> Any:
        """Return transformers' factory of such models."""

    @abstractmethod
    def wrap(self, model: Any, parameters: Any, folder: Path | None = None) -> nn.Module:
        """Return the model with the suite's signature; `folder` is where its learned weights came from."""

    @abstractmethod
    def check(self, config: Any, data: DataInfo, reference: Reference) -> None:
        """Raise `InvalidArgument` (field ``reference``) where the checkpoint does not fit the data."""

    @abstractmethod
    def input_shape(self, config: Any) -> tuple[int, ...] | None:
        """Return the shape of one input."""

    def settled(self, parameters: Any, stored: Mapping[str, Any], config: Any, reference: Reference) -> Any:
        """Return the parameters, complete; `stored` is what the folder says beside its configuration.

        Raises:
            InvalidArgument: A parameter does not belong to this kind; field ``reference``.
        """
        foreign = [name for name in parameters.of_encoders() if getattr(parameters, name) is not None]
        if foreign:
            raise InvalidArgument.field(
                "reference", f"'{reference}' is no text encoder and has no {', '.join(foreign)}"
            )
        return parameters

    def structural(self, parameters: Any) -> dict[str, str]:
        """Return the parameters that shape the module beside its configuration."""
        return {}

    def io(self, config: Any) -> ModelIO | None:
        """Return the signature where it does not depend on data."""
        return None

    def assets(self, parameters: Any, config: Any, folder: Path, reference: Reference) -> dict[str, bytes]:
        """Return the files that travel with the model."""
        return {}

    def prepared(self, config: Any, num_classes: int | None) -> Any:
        """Return the configuration to build from."""
        if num_classes is not None and self.has_classes and config.num_labels != num_classes:
            config.num_labels = num_classes
        return config


class CausalLanguageModel(HFKind):
    """Predicts the next token."""

    task = "language-modelling"
    has_classes = False

    def class_names(self) -> Mapping[str, str | Sequence[str]]:
        """Return the causal language models."""
        from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

        return MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    def factory(self) -> Any:
        """Return the factory of causal language models."""
        from transformers import AutoModelForCausalLM

        return AutoModelForCausalLM

    def wrap(self, model: Any, parameters: Any, folder: Path | None = None) -> nn.Module:
        """Return a module from tokens to logits."""
        return CausalLM(model)

    def check(self, config: Any, data: DataInfo, reference: Reference) -> None:
        """Compare vocabulary and longest sequence."""
        wrong = []
        if config.vocab_size != data.vocabulary_size:
            wrong.append(
                f"'{reference}' has a vocabulary of {config.vocab_size}, but the data has one of {data.vocabulary_size}"
            )
        longest = getattr(config, "max_position_embeddings", None)
        if longest is not None and longest < data.input_shape[0]:
            wrong.append(f"'{reference}' takes {longest} tokens at most, but the data has {data.input_shape[0]}")
        if wrong:
            raise InvalidArgument(FieldViolation("reference", description) for description in wrong)

    def input_shape(self, config: Any) -> tuple[int, ...] | None:
        """Return a sequence that the model can take."""
        return (min(getattr(config, "max_position_embeddings", None) or _DEFAULT_CONTEXT, _DEFAULT_CONTEXT),)


class ImageClassifier(HFKind):
    """Names what is in an image."""

    task = "classification"
    has_classes = True

    def class_names(self) -> Mapping[str, str | Sequence[str]]:
        """Return the image classifiers."""
        from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

        return MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

    def factory(self) -> Any:
        """Return the factory of image classifiers."""
        from transformers import AutoModelForImageClassification

        return AutoModelForImageClassification

    def wrap(self, model: Any, parameters: Any, folder: Path | None = None) -> nn.Module:
        """Return a module from images to logits."""
        return _ImageLogits(model)

    def check(self, config: Any, data: DataInfo, reference: Reference) -> None:
        """Compare channels."""
        channels = getattr(config, "num_channels", None)
        if channels is not None and channels != data.input_shape[0]:
            raise InvalidArgument.field(
                "reference", f"'{reference}' has {channels} input channels, but the data has {data.input_shape[0]}"
            )

    def input_shape(self, config: Any) -> tuple[int, ...] | None:
        """Return the images that the configuration names."""
        channels, size = getattr(config, "num_channels", None), getattr(config, "image_size", None)
        if channels is None or size is None:
            return None
        height, width = size if isinstance(size, (tuple, list)) else (size, size)
        return (channels, height, width)


class _ImageLogits(nn.Module):
    """Calls a transformers model on images (B, C, H, W) and returns logits (B, classes)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.model(pixel_values=image).logits
        return logits


def read_config(source: Path | str, reference: Reference) -> Any:
    """Return the configuration in a folder (a path) or in JSON (text)."""
    from transformers import AutoConfig

    try:
        if isinstance(source, Path):
            return AutoConfig.from_pretrained(source, local_files_only=True)
        values = json.loads(source)
        return AutoConfig.for_model(values.pop("model_type"), **values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvalidArgument.field(
            "reference",
            f"'{reference.scheme}:{reference.target}' has no configuration that transformers understands: {first_line}",
        ) from error
