"""Data Filtering Networks (Fang et al., 2024): a small network decides what a large one is trained on.

Three things that must not be mixed up: the filter network, trained on little clean data; the induced model, trained
from scratch on the pairs of an uncurated pool that the filter scores best; and the evaluation of the induced model.
A filter is judged by the third alone (section 3): its own accuracy says little, the purity of what it was trained on
says much.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from palmette_plugins.api import (
    ArtifactKind,
    ArtifactRef,
    DatasetRef,
    DataSubset,
    FieldViolation,
    JobContext,
    Kind,
    Method,
    MethodConfig,
    Model,
    Paper,
    Report,
    Submission,
    Table,
)
from palmette_plugins.data_filtering.checks import violations
from palmette_plugins.data_filtering.filtering import Filtering
from palmette_plugins.data_filtering.induced import Baseline
from palmette_plugins.datasets.captioned_images import TEMPLATES
from palmette_plugins.engines.contrastive.pair_training import PairRecipe
from palmette_plugins.engines.contrastive.scorers import ScorerKind
from palmette_plugins.engines.recipe import Precision

FRACTION = 0.15


class FilterSource(StrEnum):
    """Where the filter network comes from."""

    TRAIN = "train"
    REFERENCE = "reference"


class EvaluationSplit(StrEnum):
    """Which labelled images models are measured on."""

    TEST = "test"
    VALIDATION = "validation"


class FinetuneRecipe(PairRecipe):
    """How to fine-tune: as in training, at a tenth of the learning rate."""

    lr: float = Field(5e-5, gt=0, le=1, description="largest learning rate")


class TrustedSet(BaseModel):
    """A dataset that the filter is fine-tuned on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str = Field(min_length=1, description="dataset reference: image-text pairs, or labelled images")
    templates: tuple[str, ...] = Field(
        TEMPLATES, min_length=1, description="captions of labelled images, {} for the class; one is drawn per visit"
    )

    @model_validator(mode="after")
    def _name_the_class(self) -> Self:
        if any(template.count("{}") != 1 for template in self.templates):
            raise ValueError("each template needs one {}, where the class goes")
        return self


class Dfn(Method):
    """Keep the best pairs of an uncurated image-text pool, by a network trained on a few clean ones.

    Trains the filter (or takes one), scores the pool shard by shard, keeps the best `fraction` or all above a
    `threshold`, and trains one model on the kept pairs, one on as many random ones and one on the whole pool, from
    the same start for the same number of samples. Those models' zero-shot accuracy says what the filter is worth;
    the filter's own does not.

    The kept subset is a dataset for other methods (`artifact:<id>`) and holds a DataComp subset file of sorted
    128-bit uids. The paper's filter is a ViT-B/32 trained on 357M verified pairs, fine-tuned on COCO, Flickr30k and
    ImageNet with templates; it keeps 15 % of 12.8B pairs.
    """

    kind = Kind.FILTER
    paper = Paper("Data Filtering Networks", "Fang et al.", 2024)
    inputs: ClassVar[Mapping[str, Any]] = {
        "pool": Annotated[DatasetRef, "the image-text pairs to choose from"],
        "clean": Annotated[DatasetRef | None, "clean image-text pairs that the filter is trained on"],
        "network": Annotated[
            ArtifactRef | None, "a filter of an earlier job, for filter=reference", ArtifactKind.MODEL
        ],
        "evaluation": Annotated[DatasetRef | None, "labelled images that models are measured on, zero-shot"],
    }
    outputs: ClassVar[Mapping[str, Any]] = {
        "filter": Annotated[Model, "the filter network"],
        "scores": Annotated[Table, "uid, score, kept and cause of dropping of every pair (Parquet)"],
        "subset": Annotated[DataSubset, "the kept pairs, as a dataset and as a DataComp subset file"],
        "model": Annotated[Model, "the model trained on the kept pairs"],
        "report": Annotated[Report, "what was kept and dropped, with examples"],
    }

    class Config(MethodConfig):
        """The filter, the cut, and how models are trained."""

        filter: FilterSource = Field(
            FilterSource.TRAIN, description="train one on clean pairs, or use `network` or `pretrained` as it is"
        )
        scorer: ScorerKind = Field(
            ScorerKind.CONTRASTIVE,
            description="cosine of image and text; binary: clean or pool; reconstruction: masked autoencoder",
        )
        fraction: float | None = Field(
            FRACTION, gt=0, le=1, description=f"share of the pool to keep; {FRACTION} unless a threshold is given"
        )
        threshold: float | None = Field(
            None,
            ge=-1,
            le=1,
            description="keep every pair that scores so much; means the same only with the same filter",
        )
        arch: str = Field("vit_b_32", min_length=1, description="tiny, vit_b_32 or any open_clip name")
        pretrained: str = Field("", description="local file of open_clip weights that the filter starts from")
        filter_recipe: PairRecipe = Field(default_factory=PairRecipe, description="how to train the filter")
        filter_samples: int | None = Field(
            None, ge=1, description="pairs that the filter sees; 30 times the clean ones when empty"
        )
        finetune: tuple[TrustedSet, ...] = Field((), description="trusted sets that the filter is fine-tuned on")
        finetune_recipe: FinetuneRecipe = Field(
            default_factory=FinetuneRecipe, description="how to fine-tune the filter"
        )
        finetune_samples: int | None = Field(
            None, ge=1, description="pairs seen in fine-tuning; 30 times the trusted ones when empty"
        )
        score_precision: Precision = Field(
            Precision.FP32, description="bf16 scores faster on a GPU, to three digits; fp32 to six"
        )
        train_induced: bool = Field(True, description="train models on the kept pairs and on the baselines")
        baselines: tuple[Baseline, ...] = Field(
            (Baseline.RANDOM, Baseline.NONE),
            description="what the kept pairs are compared with: as many random ones, and the whole pool",
        )
        induced_architecture: str = Field("", description="architecture of the induced models; the filter's when empty")
        induced_recipe: PairRecipe = Field(default_factory=PairRecipe, description="how to train the induced models")
        samples_seen: int | None = Field(
            None,
            ge=1,
            description="pairs that each induced model sees, with repetition; as many as the pool has when empty",
        )
        templates: tuple[str, ...] = Field(
            TEMPLATES, min_length=1, description="captions of the classes in zero-shot evaluation, {} for the class"
        )
        evaluation_split: EvaluationSplit = Field(
            EvaluationSplit.TEST, description="split of the evaluation set; validation while settings are chosen"
        )

        @model_validator(mode="before")
        @classmethod
        def _a_threshold_replaces_the_default_fraction(cls, values: Any) -> Any:
            if isinstance(values, dict) and values.get("threshold") is not None and "fraction" not in values:
                return {**values, "fraction": None}
            return values

        @property
        def induced_arch(self) -> str:
            """Architecture of the induced models."""
            return self.induced_architecture or self.arch

    config: Config

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Refuse what cannot be meant: see `checks`."""
        return violations(self.config, submission)

    def run(self, job: JobContext) -> None:
        """Make the filter, score, cut, train and measure the induced models, save."""
        with tempfile.TemporaryDirectory(prefix="palmette-dfn-") as folder:
            filtering = Filtering(job, self.config, Path(folder))
            made = filtering.filter((0.0, 0.25))
            kept = filtering.keep(made, (0.25, 0.5))
            models = filtering.induce(kept, (0.5, 0.96))
            filtering.save(made, kept, models)
        job.progress(1.0, "done")
