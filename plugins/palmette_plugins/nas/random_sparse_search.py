"""Random search among sparse networks: the yardstick of every sparsity search (Farahani, 2024).

1. One parent with fixed initial weights theta_0 per seed.
2. N masks at one sparsity, drawn independently; each is scored without training it (by default by the loss of
   theta_0 * mask on the search batch), and the best is the found one.
3. The found one, R random ones drawn afresh and the dense parent train with one recipe on the same batches.
4. Whether the search helped is a paired difference over seeds, with an interval and an equivalence test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from palmette_plugins.api import (
    ArtifactKind,
    ArtifactRef,
    Dataset,
    DatasetRef,
    FieldViolation,
    InvalidArgument,
    JobContext,
    Kind,
    Method,
    MethodConfig,
    Model,
    ModelRef,
    PalmetteError,
    Paper,
    Submission,
    Table,
)
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.engines.recipe import OptimizerKind, Recipe, ScheduleKind
from palmette_plugins.engines.recipe_check import recipe_violations
from palmette_plugins.engines.recipe_defaults import recipe_default
from palmette_plugins.engines.sparse_search.candidates import reached, smallest_search
from palmette_plugins.engines.sparse_search.charts import curves_chart, score_chart, sparsity_chart
from palmette_plugins.engines.sparse_search.external import density_of, external_masks, matching_sparsity
from palmette_plugins.engines.sparse_search.feasibility import space_violations
from palmette_plugins.engines.sparse_search.parent import Initialisation
from palmette_plugins.engines.sparse_search.registry import load_score
from palmette_plugins.engines.sparse_search.spaces import Masks, Space, mask_space
from palmette_plugins.nas.sparse_comparison import SparseComparison
from palmette_plugins.nas.sparse_findings import Findings


class SparseRecipe(Recipe):
    """How every network trains; Adam at a constant learning rate (AdamW without decay is Adam)."""

    epochs: int = recipe_default("epochs", 30)
    batch_size: int = recipe_default("batch_size", 64)
    optimizer: OptimizerKind = recipe_default("optimizer", OptimizerKind.ADAMW)
    lr: float = recipe_default("lr", 1e-3)
    weight_decay: float = recipe_default("weight_decay", 0.0)
    schedule: ScheduleKind = recipe_default("schedule", ScheduleKind.CONSTANT)
    checkpoint_every_epochs: int = recipe_default("checkpoint_every_epochs", 10)


class RandomSparseSearch(Method):
    """Search sparse networks at random and say honestly whether the search helped.

    The best of many random sub-networks by a cheap score is trained and compared with random ones of the same
    sparsity and with the dense parent, over several seeds. The paper's finding is negative: the found one is no
    better. A search that claims more should beat the same comparison: give its masks as `external_masks`.

    Verdicts: `equivalent` where the difference is shown to be smaller than `delta` (two one-sided tests at 5 %),
    else `better` or `worse` where the 95 % interval excludes 0, else `undecided`.
    """

    kind = Kind.SEARCH
    paper = Paper("Random Search as a Baseline for Sparse Neural Network Architecture Search", "Farahani", 2024)
    inputs: ClassVar[Mapping[str, Any]] = {
        "model": Annotated[ModelRef, "the parent; its weights are drawn here, such as zoo:mlp?hidden=300,100"],
        "data": Annotated[DatasetRef, "the dataset to score, train and measure on"],
        "external_masks": Annotated[
            list[ArtifactRef] | None,
            "sparse models of the same architecture whose masks join the comparison",
            ArtifactKind.MODEL,
        ],
    }
    outputs: ClassVar[Mapping[str, Any]] = {
        "model": Annotated[list[Model], "the found network of the first seed, trained, one per sparsity"],
        "sliced": Annotated[list[Model], "node space: the same as physically smaller plain networks"],
        "candidates": Annotated[Table, "every candidate: mask seed and index, score, result where it was trained"],
        "verdicts": Annotated[Table, "found against random per sparsity and over all, with intervals and tests"],
    }

    class Config(MethodConfig):
        """What to search, and how to compare."""

        space: Space = Field(
            Space.NODE, description="node: whole units and filters; edge: weights, evenly; erk: weights, ERK densities"
        )
        sparsities: tuple[float, ...] = Field((0.5, 0.8, 0.9, 0.95), min_length=1, description="each in [0, 1)")
        candidates: int = Field(200, ge=1, le=100_000, description="masks that are scored, per sparsity and seed")
        random_controls: int = Field(10, ge=2, le=10_000, description="random masks that are trained to compare with")
        seeds: int = Field(3, ge=1, le=1000, description="draws of the parent; at least 2 for a verdict")
        score: str = Field(
            "loss_at_init", description="loss_at_init, accuracy_at_init, grad_norm, short_training or an installed one"
        )
        short_training_steps: int = Field(50, ge=1, description="score short_training: optimizer steps")
        search_batch: int = Field(
            10_000, ge=1, description="examples of the training split that scores see, from its start"
        )
        initialisation: Initialisation = Field(
            Initialisation.HE_NORMAL, description="he_normal: He normal, zero biases; architecture: as the model starts"
        )
        train_worst: bool = Field(False, description="also train the worst-scored candidate")
        delta: float | None = Field(
            0.5, gt=0, description="difference that does not matter, points of accuracy; no verdict when empty"
        )
        paired: bool = Field(True, description="compare seed by seed; false: as two independent samples")
        recipe: SparseRecipe = Field(default_factory=SparseRecipe, description="how every network trains")

        @field_validator("sparsities")
        @classmethod
        def _sparsities_in_range(cls, values: tuple[float, ...]) -> tuple[float, ...]:
            if any(not 0 <= value < 1 for value in values):
                raise ValueError("every sparsity must be in [0, 1)")
            if len(set(values)) != len(values):
                raise ValueError("every sparsity must be given once")
            return values

        @model_validator(mode="after")
        def _verdict_needs_seeds(self) -> Self:
            if self.delta is not None and self.seeds < 2:
                raise ValueError("one seed allows no verdict: set seeds to at least 2, or leave delta empty")
            return self

    config: Config

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Refuse layers whose nodes cannot be cut, sparsities that empty a layer, unknown scores, unfit masks."""
        config, module = self.config, submission.model("model").module
        yield from recipe_violations(config.recipe, submission.data("data"))
        sparsities = {f"config.sparsities[{i}]": value for i, value in enumerate(config.sparsities)}
        violations = space_violations(config.space, module, sparsities)
        yield from violations
        try:
            load_score(config.score, submission.data("data"))
            if not violations:
                self._external(submission, module)
        except InvalidArgument as error:
            yield from error.violations
        except PalmetteError as error:
            yield FieldViolation("inputs.external_masks", str(error))

    def _external(self, source: Submission | JobContext, module: Any) -> list[tuple[float, Masks]]:
        """Return the masks of other methods, each with the sparsity that it is compared at."""
        config = self.config
        store = ArtifactStore(source.spec.artifact_store_url)
        densities = {value: mask_space(config.space, module, value).density for value in config.sparsities}
        found: list[tuple[float, Masks]] = []
        for reference in source.spec.inputs.get("external_masks", []):
            masks = external_masks(store, reference, module, "inputs.external_masks")
            density = density_of(masks, module)
            at = matching_sparsity(density, densities, reference, "inputs.external_masks")
            if any(at == taken for taken, _ in found):
                raise InvalidArgument.field(
                    "inputs.external_masks", f"give one of them per sparsity, not two at {at:g}"
                )
            found.append((at, masks))
        return found

    def run(self, job: JobContext) -> None:
        """Search and train for every seed, compare, save."""
        model, data, config = job.model("model"), job.dataset("data"), self.config
        job.artifacts("external_masks")  # later artifacts are made from them
        share = 0.05
        job.logger.info(
            "the best of %d lies among the best 5 %% with probability %.5f (0.95 needs %d)",
            config.candidates,
            reached(config.candidates, share),
            smallest_search(share, 0.95),
        )
        comparison = SparseComparison(job, model, data, config, self._external(job, model.module))
        for replicate in range(config.seeds):
            comparison.run(replicate)
        findings = Findings(comparison.trained, data.task, config.seeds)
        job.metrics(findings.metrics())
        self._figures(job, findings)
        self._save(job, data, comparison, findings)
        job.progress(1.0, "done")

    def _figures(self, job: JobContext, findings: Findings) -> None:
        job.figure("sparsity", sparsity_chart(findings.sparsity_rows(), findings.metric))
        job.figure("score", score_chart(findings.score_rows(), self.config.score, findings.metric))
        job.figure("training", curves_chart(findings.curve_rows()))

    def _save(self, job: JobContext, data: Dataset, comparison: SparseComparison, findings: Findings) -> None:
        verdicts: list[dict[str, Any]] = []
        if self.config.delta is not None:
            verdicts = findings.verdict_rows(self.config.delta, paired=self.config.paired)
            for row in verdicts:
                at = "all sparsities" if row["sparsity"] is None else f"sparsity {row['sparsity']:g}"
                job.metric(f"{row['arm']} - random/{at}", row["difference"])
                job.logger.info("%s against random, %s: %s", row["arm"], at, row["verdict"])
        job.save_table(comparison.candidate_rows(), output="candidates")
        job.save_table(verdicts, output="verdicts")
        for found in comparison.found:
            save = partial(job.save_model, data=data, attributes=found.attributes)
            save(found.masked, output="model", metrics=comparison.measured(found.masked, found.final))
            if found.plain is not None:
                save(found.plain, output="sliced", metrics=comparison.measured(found.plain, found.final))
