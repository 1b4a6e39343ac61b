"""``timm:``: the image models of PyTorch Image Models."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from torch import nn

from palmette_plugins.api.architecture import ArchitectureProvider
from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import FieldViolation, InvalidArgument, NotFound
from palmette_plugins.api.local_paths import local_path
from palmette_plugins.api.reference_parameters import ReferenceParameters, as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.architectures.shortcuts import remove_shortcuts
from palmette_plugins.architectures.timm_weights import weights_at_hand


class TimmParameters(ReferenceParameters):
    """Parameters of a timm model, named as timm names them."""

    num_classes: int = Field(1000, ge=1, le=1_000_000)
    in_chans: int = Field(3, ge=1, le=4096)
    img_size: int | None = Field(None, ge=1, le=16_384, description="image size, for transformers that need to know")
    pretrained: bool = Field(
        False, description="learned weights: from `checkpoint`, else from the cache, else downloaded by timm"
    )
    checkpoint: str | None = Field(None, description="a local file of learned weights (safetensors or pth)")
    shortcuts: bool | None = Field(None, description="false takes the shortcuts out of a ResNet")


class Timm(ArchitectureProvider):
    """Any model that timm can create. A classifier or a stem that does not fit pretrained weights starts anew."""

    summary = "image models of timm, such as timm:resnet50"

    def names(self) -> list[str]:
        """Return all of timm's names."""
        import timm

        names: list[str] = timm.list_models()
        return names

    def tasks(self, reference: Reference) -> frozenset[str]:
        """Return classification."""
        return frozenset({"classification"})

    def complete(self, reference: Reference, data: DataInfo | None) -> Reference:
        """Return the reference with classes and channels; refuse those that do not fit the data."""
        import timm

        if not reference.target:
            raise InvalidArgument.field("reference", "timm needs the name of a model: write timm:resnet50")
        # A path or the address of a hub would make timm fetch from there.
        if ":" in reference.target or "/" in reference.target or not timm.is_model(reference.target):
            raise NotFound.named("timm model", reference.target, self.names())
        decided = {"num_classes": data.num_classes, "in_chans": data.input_shape[0]} if data is not None else {}
        missing = {name: value for name, value in decided.items() if name not in reference.parameters}
        parameters = parse_parameters(TimmParameters, reference.with_parameters(**missing))
        wrong = [
            f"'{reference}' has {name}={getattr(parameters, name)}, but the data has {value}"
            for name, value in decided.items()
            if getattr(parameters, name) != value
        ]
        if parameters.checkpoint is not None and not local_path(parameters.checkpoint).is_file():
            wrong.append(f"no file '{parameters.checkpoint}'; checkpoint= names a local file of weights")
        if wrong:
            raise InvalidArgument(FieldViolation("reference", description) for description in wrong)
        if parameters.pretrained and parameters.checkpoint is None:
            weights_at_hand(reference)  # now, not after the job has waited for its turn
        return Reference(reference.scheme, reference.target, as_text(parameters))

    def build(self, reference: Reference) -> nn.Module:
        """Create the model."""
        import timm

        parameters = parse_parameters(TimmParameters, reference)
        options: dict[str, Any] = {"num_classes": parameters.num_classes, "in_chans": parameters.in_chans}
        if parameters.img_size is not None:
            options["img_size"] = parameters.img_size
        if self.pretrained(reference):
            options["pretrained"] = True
            given = parameters.checkpoint
            weights = local_path(given) if given is not None else weights_at_hand(reference)
            if weights is not None:
                options["pretrained_cfg_overlay"] = {"file": str(weights)}
        try:
            module: nn.Module = timm.create_model(reference.target, **options)
        except Exception as error:
            # timm asks hubs, files and constructors; each fails in a way of its own.
            raise InvalidArgument.field("reference", _reason(reference, parameters, error)) from error
        if parameters.shortcuts is False:
            remove_shortcuts(module, f"'{reference}'")
        return module

    def pretrained(self, reference: Reference) -> bool:
        """Tell whether learned weights were asked for."""
        parameters = parse_parameters(TimmParameters, reference)
        return parameters.pretrained or parameters.checkpoint is not None

    def structure(self, reference: Reference) -> Reference:
        """Return the reference without its weights."""
        kept = {name: v for name, v in reference.parameters.items() if name not in ("pretrained", "checkpoint")}
        return Reference(reference.scheme, reference.target, kept)

    def input_shape(self, reference: Reference) -> tuple[int, ...] | None:
        """Return the shape that timm states for the model."""
        import timm

        parameters = parse_parameters(TimmParameters, reference)
        config = timm.get_pretrained_cfg(reference.target)
        if parameters.img_size is not None:
            return (parameters.in_chans, parameters.img_size, parameters.img_size)
        return (parameters.in_chans, *config.input_size[1:]) if config is not None else None


def _reason(reference: Reference, parameters: TimmParameters, error: Exception) -> str:
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    if parameters.pretrained and parameters.checkpoint is None:
        return (
            f"timm could not get the weights of '{reference.target}' ({first_line}); "
            "without internet give checkpoint=/path/to/weights.safetensors"
        )
    return f"timm cannot make '{reference}': {first_line}"
