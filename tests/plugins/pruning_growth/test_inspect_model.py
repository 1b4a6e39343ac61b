"""`inspect-model`: the response of InspectModel, from zoo references and from pruned artifacts."""

import pytest
import torch
from google.protobuf import json_format

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.edits import apply_edit
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.api.operations import call_operation
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.saving import model_files
from palmette_protos.pruning_growth.v1 import pruning_growth_pb2


def inspected(**request):
    """Call the operation as the service does, and read its answer as the message."""
    answer = call_operation("pruning_growth", "inspect-model", request)
    return json_format.ParseDict(answer, pruning_growth_pb2.InspectModelResponse())


def test_resnet20_is_described_layer_by_layer():
    answer = inspected(model="zoo:resnet20", data="fashion-mnist")

    assert list(answer.input_shape) == [1, 28, 28]
    assert answer.parameters == answer.nonzeros == 272_186
    assert answer.macs == answer.effective_macs > 30_000_000
    assert answer.spec["architecture"] == "zoo:resnet20?in_channels=1&num_classes=10&width=16"
    stem = answer.layers[0]
    assert (stem.name, stem.type, list(stem.weight_shape)) == ("conv1", "Conv2d", [16, 1, 3, 3])
    assert (list(stem.output_shape), stem.parameters, stem.density, stem.maskable) == ([16, 28, 28], 144, 1.0, True)
    assert sum(layer.parameters for layer in answer.layers) == answer.parameters
    assert sum(layer.parameters for layer in answer.layers if layer.maskable) == 270_608 + 10


@pytest.mark.parametrize(
    ("model", "shape"),
    [("zoo:resnet20", [3, 32, 32]), ("zoo:tiny-gpt", [128]), ("timm:resnet18", [3, 224, 224]), ("zoo:mlp", [784])],
)
def test_without_data_the_architectures_own_input_is_taken(model, shape):
    assert list(inspected(model=model).input_shape) == shape


def test_a_pruned_artifact_shows_its_zeros(tmp_path):
    store, data = ArtifactStore(str(tmp_path)), load_dataset("digits")
    model = load_model_reference("zoo:mlp?hidden=8", "model", data.info, store, seed=0)
    model = model.replaced(spec=model.spec.with_edit("mask", layers=["layers.0"]))
    apply_edit(model.module, model.spec.edits[-1])
    with torch.no_grad():
        model.module.layers[0].weight_mask[:6] = False
        model.module.layers[0].weight *= model.module.layers[0].weight_mask
    with store.writer() as writer:
        spec = model_files(writer, model, data)
        identifier = writer.commit(kind=ArtifactKind.MODEL, spec=spec)

    answer = inspected(model=f"artifact:{identifier}", artifact_store_url=store.url)

    assert answer.layers[0].density == 0.25
    assert answer.parameters - answer.nonzeros == 6 * 64
    assert answer.macs - answer.effective_macs == 6 * 64
    assert list(answer.input_shape) == [1, 8, 8]


@pytest.mark.parametrize(
    ("request_", "field", "said"),
    [
        ({"model": ""}, "model", "required"),
        ({"model": "zoo:nothing"}, "model", "no zoo model named 'nothing'"),
        ({"model": "zoo:resnet20", "data": "nothing"}, "data", "no dataset named 'nothing'"),
        ({"model": "zoo:tiny-gpt", "data": "digits"}, "model", "does language-modelling"),
        ({"model": "artifact:0123456789"}, "model", "no artifact store"),
    ],
)
def test_what_cannot_be_inspected_is_refused_for_its_field(request_, field, said):
    with pytest.raises(InvalidArgument, match=said) as caught:
        inspected(**request_)

    assert {violation.field for violation in caught.value.violations} == {field}
