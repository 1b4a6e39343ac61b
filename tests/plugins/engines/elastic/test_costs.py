"""Costs against the paper's numbers and against a profile of the real network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.architectures.mobile.blocks import MobileBlock
from palmette_plugins.architectures.mobile.frame import PROXYLESS, Activation
from palmette_plugins.architectures.mobile.network import MobileNet
from palmette_plugins.engines.elastic import Space, macs_table, parameter_table, random_genes
from palmette_plugins.engines.elastic.populations import choices
from palmette_plugins.engines.profiling import profile_layers, totals

from .spaces import paper_space

PAPER = [  # depth, expand, kernel, classes, resolution, parameters, MACs
    (4, 6, 7, 1000, 224, 7_664_760, 566_170_656),
    (4, 3, 3, 1000, 224, 4_371_928, 226_193_808),
    (3, 4, 5, 1000, 224, 4_551_792, 250_746_944),
    (2, 3, 3, 1000, 224, 3_410_792, 121_278_672),
    (4, 6, 7, 10, 32, 6_396_570, 15_198_240),
]


@pytest.mark.parametrize(("depth", "expand", "kernel", "classes", "resolution", "parameters", "macs"), PAPER)
def test_plain_networks_cost_what_the_paper_says(
    depth: int, expand: int, kernel: int, classes: int, resolution: int, parameters: int, macs: int
) -> None:
    reference = f"zoo:mbv3?num_classes={classes}&depths={depth}&expands={expand}&kernels={kernel}"
    module = load_model_reference(reference, "model", None, None, seed=0).module.to("meta")
    image = torch.empty((1, 3, resolution, resolution), device="meta")
    sums = totals(profile_layers(module, (image,)))
    assert (sums.parameters, sums.macs) == (parameters, macs)
    space = paper_space((resolution,))
    choice = space.uniform(depth, expand, kernel)
    assert parameter_table(space, 3, classes).of_choice(choice) == parameters
    assert macs_table(space, 3, classes).of_choice(choice) == macs


def test_the_supernet_stores_the_largest_network_and_the_kernel_transforms() -> None:
    module = load_model_reference("zoo:mbv3-supernet?num_classes=1000", "model", None, None, seed=0).module
    sizes = {name: parameter.numel() for name, parameter in module.named_parameters()}
    assert sum(sizes.values()) == 7_678_880
    assert sum(size for name, size in sizes.items() if ".transforms." in name) == 14_120 == 20 * 706


def test_a_block_has_the_parameters_of_the_formula() -> None:
    block = MobileBlock(40, 40, 1, expand=6, kernel=5, activation=Activation.RELU, squeeze_excite=True)
    m, s = 240, 64
    formula = 40 * m + 2 * m + 25 * m + 2 * m + (2 * m * s + s + m) + m * 40 + 2 * 40
    assert sum(parameter.numel() for parameter in block.parameters()) == formula == 57_264


@pytest.mark.parametrize("space", [paper_space((96, 128)), Space(PROXYLESS, (1, 2), (3, 6), (3, 7), (64, 90))])
def test_tables_say_what_a_profile_counts(space: Space) -> None:
    genes = random_genes(space, 4, np.random.default_rng(2))
    parameters, macs = parameter_table(space, 3, 10).of(genes), macs_table(space, 3, 10).of(genes)
    for row, choice in enumerate(choices(space, genes)):
        with torch.device("meta"):
            plain = MobileNet(space.frame, choice.blocks, 3, 10, choice.resolution)
        image = torch.empty((1, 3, choice.resolution, choice.resolution), device="meta")
        sums = totals(profile_layers(plain, (image,)))
        assert (sums.parameters, sums.macs) == (parameters[row], macs[row])


def test_the_cheapest_network_is_the_smallest() -> None:
    space = paper_space()
    for table in (macs_table(space, 3, 1000), parameter_table(space, 3, 1000)):
        assert table.cheapest() == table.of_choice(space.smallest)
        assert table.of(random_genes(space, 500, np.random.default_rng(0))).min() >= table.cheapest()
