"""Datasets as methods see them, and how a plugin provides one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference

if TYPE_CHECKING:
    from torch.utils.data import Dataset as TorchDataset

    from palmette_plugins.api.artifacts import StoredArtifact
    from palmette_plugins.api.task import Task


@dataclass(frozen=True)
class DataInfo:
    """What can be known of a dataset without a pass over it.

    Attributes:
        reference: The reference, complete.
        task: Name of its task.
        sizes: Examples per split (``train``, ``validation``, ``test``).
        input_shape: Shape of one input without the batch: (C, H, W) for images, (L,) for token sequences.
        input_dtype: numpy dtype name of the input.
        num_classes: Classes; 0 where there are none.
        labels: Class names in order; empty where there are none.
        vocabulary_size: Size of the vocabulary; 0 where there is none.
        preprocessing: How raw data becomes an input, see `TensorSpec.preprocessing`.
    """

    reference: str
    task: str
    sizes: Mapping[str, int]
    input_shape: tuple[int, ...]
    input_dtype: str = "float32"
    num_classes: int = 0
    labels: tuple[str, ...] = ()
    vocabulary_size: int = 0
    preprocessing: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """A loaded dataset.

    Attributes:
        info: What is known of it.
        task: Its task.
        splits: ``train``, ``validation`` and ``test``, each a map-style torch dataset.
        fingerprint: SHA-256 over content and splits, in hex: equal content gives equal fingerprints.
        train_augmentation: Called on a training batch (tensors, on the device) with a generator; None for none.
    """

    info: DataInfo
    task: Task
    splits: Mapping[str, TorchDataset[Any]]
    fingerprint: str
    train_augmentation: Any | None = None

    def __getitem__(self, split: str) -> TorchDataset[Any]:
        return self.splits[split]


class DatasetSource(ABC):
    """A dataset plugin (entry-point group ``palmette.datasets``; the entry point's name is the scheme)."""

    summary: ClassVar[str] = ""

    @abstractmethod
    def describe(self, reference: Reference) -> DataInfo:
        """Return what is known without a pass over the data.

        Raises:
            InvalidArgument: A parameter is unknown or out of range, a path does not exist, a class is empty, ...
            NotFound: The data is not installed; the message says how to get it.
        """

    @abstractmethod
    def load(self, reference: Reference) -> Dataset:
        """Return the dataset. Raises what `describe` raises."""

    def describe_artifact(self, artifact: StoredArtifact, reference: Reference) -> DataInfo:
        """Return what is known of a dataset that a job saved; `reference` is ``artifact:<id>`` with its parameters.

        Called on the source that the manifest's attribute ``dataset_source`` names. The default refuses.
        """
        raise InvalidArgument.field("reference", f"'{reference}' is made of data that cannot be read from an artifact")

    def load_artifact(self, artifact: StoredArtifact, reference: Reference) -> Dataset:
        """Return a dataset that a job saved. Raises what `describe_artifact` raises."""
        raise InvalidArgument.field("reference", f"'{reference}' is made of data that cannot be read from an artifact")
