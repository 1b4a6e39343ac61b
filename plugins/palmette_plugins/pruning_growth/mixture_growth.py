"""MixtureGrowth: a network grown from two small ones by mixing learned templates anew (Pham et al., 2024)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator
from torch import nn

from palmette_plugins.api import (
    Dataset,
    DatasetRef,
    FieldViolation,
    InvalidArgument,
    JobContext,
    Kind,
    LoadedModel,
    Method,
    MethodConfig,
    Model,
    ModelRef,
    ModelSpec,
    Paper,
    Submission,
)
from palmette_plugins.architectures.building import build
from palmette_plugins.architectures.structure import structure_of
from palmette_plugins.engines.block_costs import block_costs
from palmette_plugins.engines.measurements import final_measurements
from palmette_plugins.engines.recipe import Recipe, ScheduleKind
from palmette_plugins.engines.recipe_check import recipe_violations
from palmette_plugins.engines.seeding import seeded_draws
from palmette_plugins.engines.template_mixing import (
    CoefficientInit,
    draw_templates,
    grow,
    materialised,
    mixed_member,
    mixture_parameter_groups,
    noisy_copy,
    plan_growth,
)
from palmette_plugins.engines.template_mixing.charts import growth_chart
from palmette_plugins.engines.template_mixing.cost import Ledger
from palmette_plugins.engines.template_mixing.half import half_width
from palmette_plugins.engines.template_mixing.member_recipe import MemberRecipe, with_epochs


class SecondMember(StrEnum):
    """Where the second small network comes from."""

    TRAIN = "train"
    COPY = "copy"


class MixtureGrowth(Method):
    """Grow a network from two half as wide whose weights mix templates; costs less than training it whole.

    Both small networks train on their own. Their weights become the diagonal blocks of the wide network, and the
    other blocks are new mixtures of the same learned templates. A short training at a small learning rate follows.
    The result is a plain network of the architecture that was asked for.

    The paper grows WRN-28-10 on CIFAR: SGD at learning rate 0.1 (Nesterov momentum 0.9, weight decay 5e-4), batches of
    128, 200 epochs for each small network, then 40 at 1e-4 (cosine down to 3e-5).
    """

    kind = Kind.GROW
    paper = Paper("MixtureGrowth: Growing Neural Networks by Recombining Learned Parameters", "Pham et al.", 2024)
    inputs: ClassVar[Mapping[str, Any]] = {
        "model": Annotated[ModelRef, "the network to arrive at: an architecture with a width factor, not trained"],
        "data": Annotated[DatasetRef, "the dataset to train and measure on"],
    }
    outputs: ClassVar[Mapping[str, Any]] = {
        "model": Annotated[Model, "the grown network, as a plain network of the architecture asked for"],
        "members": Annotated[list[Model], "the two small networks, half as wide"],
    }

    class Config(MethodConfig):
        """Settings."""

        templates: int = Field(2, ge=1, le=64, description="templates in each of a layer's two sets")
        coefficient_init: CoefficientInit = Field(
            CoefficientInit.ORTHOGONAL,
            description="where the coefficients of the new blocks come from; orthogonal (the paper's) needs the weight "
            "decay of a long training, zero starts from the members' function and suits a short one",
        )
        second_member: SecondMember = Field(
            SecondMember.TRAIN, description="train the second small network, or copy the first with a little noise"
        )
        epochs_small: int = Field(20, ge=1, le=10_000, description="epochs of each small network")
        epochs_grown: int = Field(4, ge=1, le=10_000, description="epochs after growth")
        lr_grown: float = Field(
            0.01,
            gt=0,
            le=1,
            description="largest learning rate after growth: a large one destroys the members; 1e-4 for 40 long epochs",
        )
        min_lr_grown: float = Field(3e-5, ge=0, le=1, description="learning rate at the end, if below lr_grown")
        recipe: MemberRecipe = Field(
            default_factory=MemberRecipe,
            description="how to train the small networks, and the grown one apart from epochs and learning rate",
        )

        @field_validator("recipe", mode="before")
        @classmethod
        def _epochs_of_the_small_networks(cls, value: Any, info: ValidationInfo) -> Any:
            return with_epochs(value, info.data.get("epochs_small", cls.model_fields["epochs_small"].default))

        def grown_recipe(self) -> Recipe:
            """Return how to train after growth."""
            return self.recipe.model_copy(
                update={
                    "epochs": self.epochs_grown,
                    "lr": self.lr_grown,
                    "min_lr": min(self.min_lr_grown, self.lr_grown),
                    "schedule": ScheduleKind.COSINE,
                    "warmup_epochs": 0.0,
                }
            )

    config: Config

    def check(self, submission: Submission) -> Iterable[FieldViolation]:
        """Find trained models, architectures that cannot be halved, and layers that cannot be grown."""
        yield from recipe_violations(self.config.recipe, submission.data("data"))
        model = submission.model("model")
        if model.artifact or model.pretrained or model.spec.edits:
            yield FieldViolation(
                "inputs.model",
                f"'{submission.spec.inputs['model'][0]}' is trained or edited; growth starts from small networks of "
                "its own, so give an architecture such as zoo:wrn-16-2",
            )
            return
        try:
            half = half_width(model.spec)
        except InvalidArgument as error:
            yield FieldViolation("inputs.model", error.violations[0].description)
            return
        for problem in plan_growth(structure_of(half), model.module).problems:
            yield FieldViolation("inputs.model", problem)

    def run(self, job: JobContext) -> None:
        """Train two small networks, grow, train on, fold the templates."""
        model, data = job.model("model"), job.dataset("data")
        half = half_width(model.spec)
        with seeded_draws(job.seed, "initialisation"):
            small = build(half)
        grids = plan_growth(small, model.module).grids
        start = draw_templates(small, list(grids), self.config.templates, job.generator("templates"))
        training = _Training(job, data, self.config)

        first = mixed_member(small, start, 0)
        training.run("member-0", first, half)
        if self.config.second_member is SecondMember.TRAIN:
            second = mixed_member(small, start, 1)
            training.run("member-1", second, half)
        else:
            second = noisy_copy(first, job.generator("second member"))

        initial = {name: layer.coefficients for name, layer in start.items()}
        how, generator = self.config.coefficient_init, job.generator("coefficients")
        grown = grow(model.module, (first.cpu(), second.cpu()), grids, initial, how, generator)
        at_growth = job.evaluate(model.replaced(module=grown), data)
        training.run("grown", grown, model.spec)

        members = [LoadedModel(materialised(module), half, model.reference) for module in (first, second)]
        self._save(job, data, members, model.replaced(module=materialised(grown)), at_growth, training.ledger)

    def _save(
        self,
        job: JobContext,
        data: Dataset,
        members: list[LoadedModel],
        grown: LoadedModel,
        at_growth: dict[str, float],
        ledger: Ledger,
    ) -> None:
        job.figure("growth", growth_chart(ledger.curve, data.task.primary_metric))
        of_members = [final_measurements(job, member, data) for member in members]
        metrics = {
            **final_measurements(job, grown, data),
            **{f"member-{i}/{name}": value for i, m in enumerate(of_members) for name, value in m.items()},
            **{f"at-growth/{name}": value for name, value in at_growth.items()},
            **ledger.metrics(_forward_macs(grown.spec, data)),
        }
        job.metrics(metrics)
        for member, measured in zip(members, of_members, strict=True):
            job.save_model(member, output="members", metrics=measured)
        job.save_model(grown, metrics=metrics)
        job.progress(1.0, "done")


class _Training:
    """Trains the networks of one job and keeps account of the work."""

    def __init__(self, job: JobContext, data: Dataset, config: MixtureGrowth.Config) -> None:
        self.ledger = Ledger()
        self._job = job
        self._data = data
        self._recipes = {"member-0": config.recipe}
        if config.second_member is SecondMember.TRAIN:
            self._recipes["member-1"] = config.recipe
        self._recipes["grown"] = config.grown_recipe()
        self._done = 0.0

    def run(self, phase: str, module: nn.Module, spec: ModelSpec) -> None:
        """Train `module`, whose plain network is `spec`, in place."""
        recipe = self._recipes[phase]
        started, self._done = self._done, self._done + self._share(phase)
        result = self._job.train(
            LoadedModel(module, spec, spec.architecture),
            self._data,
            recipe,
            phase="train" if phase == "grown" else phase,  # the main one: its reports bear plain names
            progress=(0.98 * started, 0.98 * self._done),
            parameter_groups=mixture_parameter_groups(module, decay_norm_and_bias=recipe.decay_norm_and_bias),
        )
        self.ledger.add(phase, module, _forward_macs(spec, self._data), result, self._data.task.primary_metric)

    def _share(self, phase: str) -> float:
        """Return the phase's share of the whole work: an epoch of a network half as wide costs a quarter."""
        work = {name: recipe.epochs * (1.0 if name == "grown" else 0.25) for name, recipe in self._recipes.items()}
        return work[phase] / sum(work.values())


def _forward_macs(spec: ModelSpec, data: Dataset) -> int:
    return block_costs(structure_of(spec), (), data.info).model.macs
