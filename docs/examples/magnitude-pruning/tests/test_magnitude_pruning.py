"""The example's own tests: `pytest` in its folder, with palmette-plugins[torch] installed."""

import pytest
from palmette_magnitude.magnitude_pruning import MagnitudePruning, largest_weights
from torch import nn

from palmette_plugins.api import InvalidArgument, run_method
from palmette_plugins.pruning_growth.dense_training import DenseTraining


def test_the_largest_weights_of_the_whole_model_are_kept():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    masks = largest_weights(model, density=0.5)
    kept = [weight for name, mask in masks.items() for weight in model.get_submodule(name).weight[mask].abs().tolist()]
    dropped = [w for name, mask in masks.items() for w in model.get_submodule(name).weight[~mask].abs().tolist()]
    assert len(kept) == 3
    assert min(kept) >= max(dropped)


def test_an_untrained_model_is_refused(tmp_path):
    with pytest.raises(InvalidArgument, match="untrained"):
        run_method(MagnitudePruning, store=tmp_path, model="zoo:mlp", data="digits")


def test_a_trained_model_is_pruned_and_keeps_its_masks(tmp_path):
    recipe = {"epochs": 10, "lr": 0.05}
    dense = run_method(DenseTraining, store=tmp_path, model="zoo:mlp", data="digits", recipe=recipe)
    trained = f"artifact:{dense.artifacts['model'][0]}"
    sparse = run_method(MagnitudePruning, store=tmp_path, model=trained, data="digits", density=0.2, recipe=recipe)
    manifest = sparse.manifest()
    assert [edit.name for edit in manifest.spec.edits] == ["mask"]
    assert list(manifest.parents) == dense.artifacts["model"]
    assert manifest.metrics["nonzeros"] < 0.3 * manifest.metrics["parameters"]
    assert manifest.metrics["accuracy"] > 0.5
