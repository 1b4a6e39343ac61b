"""Any chain of edits comes back from its artifact: same structure, same weights, same function."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.edits import apply_edit
from palmette_plugins.api.kinds import ArtifactKind
from palmette_plugins.architectures.loading import inspect_model_reference, load_model_reference
from palmette_plugins.architectures.residual import removable_blocks
from palmette_plugins.architectures.saving import model_files
from palmette_plugins.engines.sparsity.layers import maskable_layers

REFERENCES = [
    "zoo:resnet20?width=2",
    "zoo:wrn-16-1",
    "zoo:vgg16-bn?width=2",
    "timm:test_resnet",
    "zoo:tiny-gpt?d_model=8",
]


@pytest.mark.parametrize("reference", REFERENCES)
@settings(max_examples=5)
@given(data_=st.data(), seed=st.integers(0, 1000))
def test_any_chain_of_edits_comes_back(reference, data_, seed, digits, manual, tmp_path_factory):
    data = manual if "gpt" in reference else digits
    store = ArtifactStore(str(tmp_path_factory.mktemp("artifacts")))
    model = load_model_reference(reference, "model", data.info, None, seed=seed)
    for _ in range(data_.draw(st.integers(0, 4))):
        blocks, layers = removable_blocks(model.module), list(maskable_layers(model.module))
        if blocks and data_.draw(st.booleans()):
            name, key, pool = "drop_blocks", "names", blocks
        else:
            name, key, pool = "mask", "layers", layers
        chosen = data_.draw(st.lists(st.sampled_from(pool), max_size=3, unique=True))
        spec = model.spec.with_edit(name, **{key: chosen})
        model = model.replaced(spec=spec, module=apply_edit(model.module, spec.edits[-1]))
    generator = torch.Generator().manual_seed(seed)
    for buffer_name, buffer in model.module.named_buffers():
        if buffer_name.endswith("weight_mask"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) < 0.5)

    with store.writer() as writer:
        spec = model_files(writer, model, data)
        identifier = writer.commit(kind=ArtifactKind.MODEL, spec=spec)
    back = load_model_reference(f"artifact:{identifier}", "model", data.info, store, seed=0)
    seen = inspect_model_reference(f"artifact:{identifier}", "model", data.info, store)

    expected, restored = model.module.state_dict(), back.module.state_dict()
    assert list(expected) == list(restored) == list(seen.module.state_dict())
    assert all(torch.equal(expected[name], restored[name]) for name in expected)
    inputs = data["test"].tensors[0][:2]
    with torch.inference_mode():
        assert torch.equal(back.module.eval()(inputs), model.module.eval()(inputs))
