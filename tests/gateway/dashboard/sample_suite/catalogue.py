"""Sample methods, with configurations as rich as those of the real ones."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import grpc
from pydantic import BaseModel, ConfigDict, Field

from palmette_plugins.api.catalogue import with_property_order
from palmette_protos.v1 import plugin_pb2 as pb
from palmette_protos.v1.plugin_pb2_grpc import PluginServiceServicer


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Schedule(StrEnum):
    """How the learning rate changes after the warm-up."""

    COSINE = "cosine"
    STEP = "step"
    CONSTANT = "constant"


class Ratio(StrEnum):
    """A rule for layer-wise densities."""

    UNIFORM = "uniform"
    ER = "er"
    ERK = "erk"


class Recipe(_Config):
    """How to train. The defaults suit small image networks."""

    epochs: int = Field(20, ge=1, le=10000, description="passes over the training split")
    lr: float = Field(0.1, gt=0, le=10, description="largest learning rate")
    schedule: Schedule = Field(Schedule.COSINE, description="how the learning rate falls after the warm-up")
    nesterov: bool = Field(False, description="Nesterov momentum (SGD)")
    augment: bool = Field(True, description="flip and shift the training images")
    milestones: list[int] = Field(default_factory=list, description="epochs after which lr is multiplied by gamma")


class RandomPruningConfig(_Config):
    """What to keep, and how to train."""

    density: float = Field(0.1, gt=0, le=1, description="share of all maskable weights that is kept")
    ratio: Ratio = Field(Ratio.ERK, description="rule that shares the density among the layers")
    blocks_removed: int | None = Field(None, ge=1, description="blocks to leave out; all stay when left out")
    recipe: Recipe = Field(default_factory=Recipe, description="how to train")


class TrainingConfig(_Config):
    """How to train."""

    recipe: Recipe = Field(default_factory=Recipe, description="how to train")


class Grid(_Config):
    """Try everything."""

    kind: Literal["grid"] = "grid"
    points: int = Field(16, ge=1, description="points to try")


class Evolution(_Config):
    """Mutate and select."""

    kind: Literal["evolution"] = "evolution"
    population: int = Field(50, ge=2, description="individuals")


class SearchConfig(_Config):
    """What to search."""

    target_ms: float = Field(..., gt=0, description="largest latency, in milliseconds")
    strategy: Annotated[Grid | Evolution, Field(discriminator="kind")] = Field(
        default_factory=Evolution, description="how to search"
    )
    widths: dict[str, int] = Field(default_factory=dict, description="widths by stage")


CONFIGS: dict[str, type[BaseModel]] = {
    "random-pruning": RandomPruningConfig,
    "dense-training": TrainingConfig,
    "model-averaging": _Config,
    "evolutionary-search": SearchConfig,
}

MODEL = pb.PluginInput(name="model", type=pb.INPUT_TYPE_MODEL, description="the network to prune; usually untrained")
DATA = pb.PluginInput(name="data", type=pb.INPUT_TYPE_DATASET, description="the dataset to train and measure on")


def _plugin(name: str, kind: pb.PluginKind.ValueType, summary: str, **fields: object) -> pb.Plugin:
    service, _, identifier = name.partition("/")
    plugin = pb.Plugin(
        name=f"services/{service}/plugins/{identifier}",
        kind=kind,
        summary=summary,
        distribution="palmette-plugins",
        version="0.1.0",
        state=pb.PLUGIN_STATE_READY,
        **fields,  # type: ignore[arg-type]
    )
    plugin.config_schema.update(with_property_order(CONFIGS[identifier].model_json_schema()))
    return plugin


PLUGINS = [
    _plugin(
        "nas/evolutionary-search",
        pb.PLUGIN_KIND_SEARCH,
        "Search a supernet for the best subnet under a latency limit.",
        inputs=[MODEL, DATA],
        outputs=[pb.PluginOutput(name="model", kind="model"), pb.PluginOutput(name="front", kind="table")],
        paper=pb.Paper(title="Once-for-All: Train One Network", authors="Cai et al.", year=2020),
        tasks=["classification"],
    ),
    pb.Plugin(
        name="services/nas/plugins/zero-cost",
        distribution="palmette-zero-cost",
        version="0.3.1",
        state=pb.PLUGIN_STATE_BROKEN,
        import_error="ModuleNotFoundError: No module named 'naslib'\nTraceback (most recent call last):\n"
        '  File "zero_cost/__init__.py", line 3, in <module>\n    import naslib\n'
        "ModuleNotFoundError: No module named 'naslib'\n",
    ),
    _plugin(
        "pruning_growth/dense-training",
        pb.PLUGIN_KIND_TRAIN,
        "Train a model as it is: the baseline, or some more epochs for an artifact.",
        inputs=[MODEL, DATA],
        outputs=[pb.PluginOutput(name="model", kind="model", description="the trained model")],
    ),
    _plugin(
        "pruning_growth/model-averaging",
        pb.PLUGIN_KIND_CONVERT,
        "Average the logits of several models as one servable ensemble.",
        inputs=[
            pb.PluginInput(name="models", type=pb.INPUT_TYPE_MODEL, repeated_input=True, description="the members")
        ],
        outputs=[pb.PluginOutput(name="model", kind="model")],
    ),
    _plugin(
        "pruning_growth/random-pruning",
        pb.PLUGIN_KIND_PRUNE,
        "Train a randomly pruned network from scratch, with a mask that never changes.",
        inputs=[MODEL, DATA],
        outputs=[
            pb.PluginOutput(name="model", kind="model", description="the trained sparse network"),
            pb.PluginOutput(name="plan", kind="table", description="density and kept weights of every layer"),
        ],
        paper=pb.Paper(
            title="The Unreasonable Effectiveness of Random Pruning",
            authors="Liu et al.",
            year=2022,
            url="https://arxiv.org/abs/2202.02643",
        ),
        tasks=["classification", "language-modelling"],
        description="The only choice besides the density is how it is shared among the layers (`ratio`).\n\n"
        "Kernels stay **dense**: <script>alert('description')</script> no faster training by itself.",
    ),
]


class SamplePlugins(PluginServiceServicer):
    """The catalogue of one service, or of all with the empty name."""

    def __init__(self, service: str = "") -> None:
        self._plugins = [plugin for plugin in PLUGINS if not service or plugin.name.split("/")[1] == service]
        self.unreachable: dict[str, str] = {}

    async def ListPlugins(
        self, request: pb.ListPluginsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListPluginsResponse:
        return pb.ListPluginsResponse(plugins=self._plugins, unreachable=self.unreachable)

    async def GetPlugin(self, request: pb.GetPluginRequest, context: grpc.aio.ServicerContext) -> pb.GetPluginResponse:
        for plugin in self._plugins:
            if plugin.name == request.name:
                return pb.GetPluginResponse(plugin=plugin)
        await context.abort(
            grpc.StatusCode.NOT_FOUND, f"no plugin named '{request.name}'; did you mean random-pruning?"
        )
        raise AssertionError
