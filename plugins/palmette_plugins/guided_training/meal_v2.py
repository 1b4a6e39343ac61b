"""MEAL V2: a trained student made better by the averaged answers of its teachers (Shen and Savvides, 2020)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from palmette_plugins.api import (
    DatasetRef,
    FieldViolation,
    JobContext,
    Kind,
    Method,
    MethodConfig,
    Model,
    ModelRef,
    Paper,
    Submission,
)
from palmette_plugins.engines.distillation.discriminator import Adversarial, hidden_sizes
from palmette_plugins.engines.frozen import Frozen
from palmette_plugins.engines.measurements import final_measurements
from palmette_plugins.engines.recipe import Recipe, ScheduleKind
from palmette_plugins.engines.recipe_check import recipe_violations
from palmette_plugins.engines.recipe_defaults import recipe_default
from palmette_plugins.guided_training.distilling import Distilling, SoftLabels, accuracy_chart, agreement
from palmette_plugins.guided_training.teaching import Ensemble

MOST_TEACHERS = 8
FEW_CLASSES = 64
_CHANCE = 1.5  # times chance: a student below that has learned nothing


class MealRecipe(Recipe):
    """How to train the student; the defaults are the paper's. No weight decay: soft labels regularise."""

    epochs: int = recipe_default("epochs", 180)
    batch_size: int = recipe_default("batch_size", 512)
    lr: float = recipe_default("lr", 0.01)
    weight_decay: float = recipe_default("weight_decay", 0.0)
    schedule: ScheduleKind = recipe_default("schedule", ScheduleKind.STEP)
    milestones: tuple[int, ...] = recipe_default("milestones", (100,))


class MealV2(Method):
    """Make a trained network better with the averaged probabilities of stronger ones, without labels.

    The student keeps its architecture. It must start from weights that were trained with labels; then it sees no
    label any more, no weight decay and no new augmentation. A small discriminator tells its answers from the
    teachers' and the student learns to hide.

    The paper trains on ImageNet for 180 epochs with SGD at learning rate 0.01 (a tenth of it after 100), batches of
    512, and two teachers such as SENet-154 and ResNet-152.
    """

    kind = Kind.DISTIL
    paper = Paper(
        "MEAL V2: Boosting Vanilla ResNet-50 to 80%+ Top-1 Accuracy on ImageNet without Tricks",
        "Shen and Savvides",
        2020,
    )
    tasks = frozenset({"classification"})
    inputs: ClassVar[Mapping[str, Any]] = {
        "student": Annotated[ModelRef, "the network to improve, trained with labels"],
        "teachers": Annotated[list[ModelRef], f"1 to {MOST_TEACHERS} trained networks"],
        "data": Annotated[DatasetRef, "the images to train on; their labels only measure"],
    }
    outputs: ClassVar[Mapping[str, Any]] = {"model": Annotated[Model, "the improved student"]}

    class Config(MethodConfig):
        """What the student learns from, and how it trains."""

        adversarial: Adversarial = Field(
            Adversarial.REVERSE,
            description="reverse: the student hides from the discriminator; official: as in the authors' code, where "
            "it helps the discriminator; none: no discriminator",
        )
        discriminator_k: int | None = Field(
            None,
            ge=2,
            le=1024,
            description=f"each layer of it is so many times narrower; 8, or 2 below {FEW_CLASSES} classes",
        )
        hard_label_weight: float = Field(0.0, ge=0, le=1, description="share of the true label in the loss (ablation)")
        soft_labels: SoftLabels = Field(
            SoftLabels.ONLINE,
            description="online: teachers answer for every batch; cached: once for fixed crops, then they are let go",
        )
        crops: int = Field(
            16, ge=1, le=10_000, description="cached: views of each image, the first is the image itself"
        )
        topk: int = Field(5, ge=1, description="cached: probabilities kept per crop; the other classes share the rest")
        cutmix: float = Field(
            0.0, ge=0, le=10, description="online: parameter of the Beta distribution of mixed boxes; 0 for no mixing"
        )
        recipe: MealRecipe = Field(default_factory=MealRecipe, description="how to train")

        @model_validator(mode="after")
        def _fields_fit_together(self) -> Self:
            if self.recipe.label_smoothing:
                raise ValueError("recipe.label_smoothing must be 0: the teachers' answers are soft already")
            if self.cutmix and self.soft_labels is SoftLabels.CACHED:
                raise ValueError("cutmix mixes images anew in every step; cached labels belong to fixed crops")
            return self

        def k(self, num_classes: int) -> int:
            """Return `discriminator_k`, or what suits the number of classes."""
            return self.discriminator_k or (2 if num_classes < FEW_CLASSES else 8)

    config: Config

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Find untrained or too many teachers, and settings that do not fit the number of classes."""
        data, config = submission.data("data"), self.config
        yield from recipe_violations(config.recipe, data)
        references = submission.spec.inputs["teachers"]
        if len(references) > MOST_TEACHERS:
            yield FieldViolation("inputs.teachers", f"at most {MOST_TEACHERS} teachers, got {len(references)}")
        for index, reference in enumerate(references):
            if not submission.model("teachers", index).pretrained:
                yield FieldViolation(
                    f"inputs.teachers[{index}]", f"'{reference}' is not trained; give an artifact or a pretrained model"
                )
        if config.soft_labels is SoftLabels.CACHED and config.topk >= data.num_classes:
            yield FieldViolation("config.topk", f"must be below the number of classes, {data.num_classes}")
        narrowest = hidden_sizes(data.num_classes, config.k(data.num_classes))[1]
        if config.adversarial is not Adversarial.NONE and narrowest < 1:
            most = int(data.num_classes**0.5)
            advice = f"at most {most}, or set adversarial to none" if most >= 2 else "set adversarial to none"
            yield FieldViolation("config.discriminator_k", f"leaves no layer for {data.num_classes} classes; {advice}")

    def run(self, job: JobContext) -> None:
        """Measure all, distil, measure again, save."""
        student, data, config = job.model("student"), job.dataset("data"), self.config
        teachers = job.models("teachers")
        metrics = {f"start/{name}": value for name, value in job.evaluate(student, data).items()}
        if metrics["start/accuracy"] < _CHANCE / data.info.num_classes:
            job.logger.warning(
                "the student is at chance (accuracy %.3f): the method improves trained students, and from scratch it "
                "learns little; train it with labels first",
                metrics["start/accuracy"],
            )
        ensemble = Ensemble([Frozen(model.module, job.device, config.recipe.precision) for model in teachers])
        metrics |= ensemble.accuracies(job, data)
        distilling = Distilling(job, data, config, ensemble)
        result = distilling.run(student)
        metrics |= final_measurements(job, student, data)
        metrics["agreement"] = agreement(job, student.module, ensemble, data)
        job.metrics(metrics, step=result.steps)
        job.figure("accuracy", accuracy_chart(result.history, distilling.validation))
        job.save_model(student, metrics=metrics, attributes={"training_seconds": result.seconds})
        job.progress(1.0, "done")
