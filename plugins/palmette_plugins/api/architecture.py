"""How a plugin provides model architectures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.api.spec import ModelIO, ModelSpec

if TYPE_CHECKING:
    from torch import nn

    from palmette_plugins.api.data import DataInfo


class ArchitectureProvider(ABC):
    """A family of architectures (entry-point group ``palmette.architectures``; the name is the scheme)."""

    summary: ClassVar[str] = ""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the targets that can be built, for help texts and nearest names."""

    @abstractmethod
    def tasks(self, reference: Reference) -> frozenset[str]:
        """Return the names of the tasks that the architecture can do."""

    @abstractmethod
    def complete(self, reference: Reference, data: DataInfo | None) -> Reference:
        """Return the reference with every parameter that shapes the model set, missing ones taken from `data`.

        Raises:
            NotFound: No such target; the message has the nearest names.
            InvalidArgument: An unknown or impossible parameter, or one that does not fit `data` (channels,
                classes, vocabulary); field ``reference``.
        """

    @abstractmethod
    def build(self, reference: Reference) -> nn.Module:
        """Build the model of a complete reference, initialised by torch's current random state."""

    def compose(self, reference: Reference, parts: Sequence[nn.Module]) -> nn.Module:
        """Build an architecture that is made of other models (see `ModelSpec.parts`), given in order."""
        raise InvalidArgument.field("reference", f"'{reference}' is not made of other models")

    def pretrained(self, reference: Reference) -> bool:
        """Tell whether `build` gives learned weights."""
        return False

    def structure(self, reference: Reference) -> Reference:
        """Return a complete reference that builds the same structure and needs no learned weights."""
        return reference

    def io(self, reference: Reference) -> ModelIO | None:
        """Return the signature when served where the architecture fixes it; None where data decide."""
        return None

    def assets(self, reference: Reference) -> Mapping[str, bytes]:
        """Return the files that the model is of no use without, such as a tokenizer, by name."""
        return {}

    def input_shape(self, reference: Reference) -> tuple[int, ...] | None:
        """Return the shape of one input that the architecture was made for, without the batch; None if unknown."""
        return None


@dataclass
class LoadedModel:
    """A model ready for work.

    Attributes:
        module: The model, on the CPU unless moved.
        spec: How to rebuild it.
        reference: What it was loaded from.
        artifact: Id of the artifact that it was loaded from; empty for an untrained model.
        pretrained: Whether its weights were learned.
        assets: Files that travel with it, by name: a tokenizer. An artifact keeps them below ``assets/``. Empty for a
            model that is only inspected.
    """

    module: nn.Module
    spec: ModelSpec
    reference: str
    artifact: str = ""
    pretrained: bool = False
    assets: Mapping[str, bytes] = field(default_factory=dict)

    def replaced(self, **changes: Any) -> LoadedModel:
        """Return a copy with `changes`."""
        return LoadedModel(**{**self.__dict__, **changes})
