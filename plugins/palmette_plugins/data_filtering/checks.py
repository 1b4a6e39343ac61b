"""What is wrong with a filtering job before it starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from palmette_plugins.api import FieldViolation, PalmetteError, Submission
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import architecture_provider, describe_dataset
from palmette_plugins.datasets.pair_dataset import pool_size
from palmette_plugins.engines.contrastive.pair_filter import filter_kind
from palmette_plugins.engines.contrastive.pair_model import architecture_of
from palmette_plugins.engines.contrastive.scorers import ScorerKind
from palmette_plugins.engines.contrastive.selection import share
from palmette_plugins.tasks.classification import Classification
from palmette_plugins.tasks.contrastive_pairs import ContrastivePairs

if TYPE_CHECKING:
    from palmette_plugins.data_filtering.dfn import Dfn


def violations(config: Dfn.Config, submission: Submission) -> Iterator[FieldViolation]:
    """Yield everything that is wrong with a submission beyond the ranges of its fields."""
    yield from _data(submission)
    yield from _cut(config, submission)
    yield from _filter(config, submission)
    yield from _architectures(config, submission)
    yield from _trusted(config, submission)
    yield from _lengths(config, submission)
    for index, template in enumerate(config.templates):
        if template.count("{}") != 1:
            yield FieldViolation(f"config.templates[{index}]", "needs one {}, where the class goes")


def _data(submission: Submission) -> Iterator[FieldViolation]:
    for name in ("pool", "clean"):
        if submission.given(name) and submission.data(name).task != ContrastivePairs.name:
            what = submission.data(name).task
            text = f"is a {what} dataset; image-text pairs are needed (labelled images become some with captioned:)"
            yield FieldViolation(f"inputs.{name}", text)
    if submission.given("evaluation"):
        data = submission.data("evaluation")
        if data.task != Classification.name or not data.labels or len(data.input_shape) != 3:
            yield FieldViolation("inputs.evaluation", "has no labelled images, on which zero-shot accuracy is measured")


def _cut(config: Dfn.Config, submission: Submission) -> Iterator[FieldViolation]:
    if (config.fraction is None) == (config.threshold is None):
        which = "neither" if config.fraction is None else "both"
        for name in ("fraction", "threshold"):
            yield FieldViolation(f"config.{name}", f"give either fraction or threshold, not {which}")
    elif config.fraction is not None:
        pairs = pool_size(submission.data("pool"))
        if share(config.fraction, pairs) == 0:
            yield FieldViolation("config.fraction", f"{config.fraction:g} of {pairs} pairs is none")
    elif config.scorer is ScorerKind.RECONSTRUCTION:
        text = "scores of the reconstruction scorer are losses with no scale of their own; give a fraction"
        yield FieldViolation("config.threshold", text)


def _filter(config: Dfn.Config, submission: Submission) -> Iterator[FieldViolation]:
    trains = config.filter.value == "train"
    if trains and not submission.given("clean"):
        yield FieldViolation("inputs.clean", "required: the filter is trained on clean pairs (or set filter=reference)")
    if trains and submission.given("network"):
        yield FieldViolation("inputs.network", "is only used with filter=reference")
    if trains:
        return
    if submission.given("network") == bool(config.pretrained):
        text = "filter=reference takes either an earlier job's filter here or weights in config.pretrained"
        yield FieldViolation("inputs.network", text)
    elif submission.given("network"):
        try:
            kind = filter_kind(submission.artifact("network"), "inputs.network")
        except PalmetteError as error:
            yield FieldViolation("inputs.network", str(error).removeprefix("inputs.network: "))
            return
        if kind is not config.scorer:
            yield FieldViolation("config.scorer", f"the given filter scores by {kind.value}")
    elif config.scorer is not ScorerKind.CONTRASTIVE:
        yield FieldViolation("config.scorer", "pretrained weights score by contrastive alone")


def _architectures(config: Dfn.Config, submission: Submission) -> Iterator[FieldViolation]:
    for name, arch in (("arch", config.arch), ("induced_architecture", config.induced_architecture)):
        if not arch:
            continue
        try:
            reference = Reference.parse(architecture_of(arch))
            if name == "arch" and config.pretrained:
                reference = reference.with_parameters(pretrained=config.pretrained)
            provider = architecture_provider(reference)
            completed = provider.complete(reference, submission.data("pool"))
            if not provider.tasks(completed):
                yield FieldViolation(f"config.{name}", f"'{arch}' has no towers for images and texts")
        except PalmetteError as error:
            yield FieldViolation(f"config.{name}", str(error).removeprefix("reference: "))


def _trusted(config: Dfn.Config, submission: Submission) -> Iterator[FieldViolation]:
    if config.finetune and config.filter.value == "reference" and submission.given("network"):
        yield FieldViolation("config.finetune", "an earlier job's filter is used as it is; fine-tune when training it")
    for index, each in enumerate(config.finetune):
        field = f"config.finetune[{index}].data"
        try:
            info = describe_dataset(each.data, field, submission.store)
        except PalmetteError as error:
            yield FieldViolation(field, str(error).removeprefix(f"{field}: "))
            continue
        if info.task != ContrastivePairs.name and not info.labels:
            yield FieldViolation(field, f"'{each.data}' holds neither image-text pairs nor labelled images")


def _lengths(config: Dfn.Config, submission: Submission) -> Iterator[FieldViolation]:
    seen = config.samples_seen or pool_size(submission.data("pool"))
    lengths = [("samples_seen", seen, config.induced_recipe)] if config.train_induced else []
    if config.filter_samples is not None:
        lengths.append(("filter_samples", config.filter_samples, config.filter_recipe))
    if config.finetune_samples is not None:
        lengths.append(("finetune_samples", config.finetune_samples, config.finetune_recipe))
    for name, samples, recipe in lengths:
        if samples < recipe.batch_size:
            text = f"{samples} pairs are less than one batch of {recipe.batch_size}; lower batch_size of its recipe"
            yield FieldViolation(f"config.{name}", text)
