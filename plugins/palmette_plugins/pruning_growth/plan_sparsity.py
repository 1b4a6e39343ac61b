"""Operation ``plan-sparsity``: the densities per layer that a method would use, without training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.config import parse_config
from palmette_plugins.api.errors import FieldViolation, InvalidArgument, NotFound
from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference
from palmette_plugins.engines.fresh import fresh_model
from palmette_plugins.engines.sparsity.layers import layer_shapes
from palmette_plugins.engines.sparsity.plan import SparsityPlan
from palmette_plugins.engines.sparsity.plan import plan_sparsity as plan_layers
from palmette_plugins.pruning_growth.random_pruning import RandomPruning, layer_scores, rule_violations

PLUGIN = "random-pruning"


def plan_sparsity(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a PlanSparsityRequest (as JSON, field names in snake case) with a PlanSparsityResponse.

    Raises:
        NotFound: The plugin is not one that plans densities per layer.
        InvalidArgument: Model, data or configuration; fields are named as in the request.
    """
    plugin = request.get("plugin") or PLUGIN
    if plugin != PLUGIN:
        raise NotFound.named("plugin that plans sparsity", plugin, [PLUGIN])
    config = parse_config(RandomPruning.Config, request.get("config") or {})
    try:
        plan = _plan(request, config)
    except InvalidArgument as error:
        raise InvalidArgument(
            FieldViolation(violation.field.removeprefix("inputs."), violation.description)
            for violation in error.violations
        ) from None
    return {
        "layers": [
            {"name": layer.name, "density": layer.density, "kept": layer.kept, "weights": layer.weights}
            for layer in plan.layers
        ],
        "density": plan.density,
        "kept": plan.kept,
        "maskable": plan.maskable,
    }


def _plan(request: Mapping[str, Any], config: RandomPruning.Config) -> SparsityPlan:
    store = ArtifactStore(request["artifact_store_url"]) if request.get("artifact_store_url") else None
    text, seed = request["model"], int(request.get("seed") or 0)
    if not config.ratio.needs_data:
        info = describe_dataset(request["data"], "data", store) if request.get("data") else None
        model = inspect_model_reference(text, "model", info, store)
        return plan_layers(layer_shapes(model.module), config.ratio, config.density)
    if not request.get("data"):
        raise InvalidArgument.field("data", f"required: {config.ratio} looks at gradients of the loss on the data")
    data = load_dataset(request["data"], "data", store)
    violations = list(rule_violations(config.ratio, data.info))
    if violations:
        raise InvalidArgument(violations)
    model = load_model_reference(text, "model", data.info, store, seed=seed)
    if config.reinitialise:
        model = fresh_model(model, seed)
    scores = layer_scores(model.module, config.ratio, data, seed)
    return plan_layers(layer_shapes(model.module), config.ratio, config.density, scores)
