"""Genes: lengths of the paper's spaces, round trips, and genes that do not matter."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.architectures.mobile.frame import MBV3
from palmette_plugins.engines.elastic import Space
from palmette_plugins.engines.multi_objective.genes import Condition, Features, Gene, GeneSpace
from palmette_plugins.nas.elastic_genes import gene_space

MOBILENET = Space(MBV3, (2, 3, 4), (3, 4, 6), (3, 5, 7), (224,))


def resnet50() -> GeneSpace:
    """Depth of the stem and of four stages, expand ratio of 18 blocks, width of stem, input and stages."""
    genes = [Gene("depth/stem", (0, 1, 2)), *(Gene(f"depth/{stage}", (0, 1, 2)) for stage in range(4))]
    for stage, least in enumerate((2, 2, 4, 2)):
        for block in range(least + 2):
            needs = Condition(f"depth/{stage}", block - least + 1) if block >= least else None
            genes.append(Gene(f"expand/{stage}.{block}", (0.2, 0.25, 0.35), needs))
    return GeneSpace([*genes, *(Gene(f"width/{index}", (0.65, 0.8, 1.0)) for index in range(6))])


def bert_base() -> GeneSpace:
    """Layers, heads of each and feed-forward width of each."""

    def genes() -> Iterable[Gene]:
        yield Gene("layers", tuple(range(6, 13)))
        for layer in range(12):
            yield Gene(f"heads/{layer}", (6, 8, 10, 12), Condition("layers", layer + 1))
            yield Gene(f"ffn/{layer}", (1024, 2048, 3072), Condition("layers", layer + 1))

    return GeneSpace(genes())


SPACES = {"mbv3": (gene_space(MOBILENET), 45, 135), "resnet50": (resnet50(), 29, 87), "bert": (bert_base(), 25, 91)}


@pytest.mark.parametrize(("space", "genes", "length"), SPACES.values(), ids=SPACES)
def test_genes_and_features_have_the_lengths_of_the_card(space, genes, length):
    assert len(space.genes) == genes
    assert space.features_length == length
    for kind in Features:
        assert space.features(np.zeros((2, genes), dtype=np.int64), kind).shape == (2, length)


@given(st.data())
@pytest.mark.parametrize("name", SPACES)
def test_decoding_what_was_encoded_gives_the_configuration_back(name, data):
    space = SPACES[name][0]
    genes = np.array([data.draw(st.integers(0, int(size) - 1)) for size in space.sizes])
    configuration = space.decode(genes)

    assert space.decode(space.encode(configuration)) == configuration
    assert space.encode(configuration) == space.keys(genes[None])[0]


def test_the_genes_decode_to_the_supernet_s_choice():
    space = gene_space(MOBILENET)
    row = space.draw(1, np.random.default_rng(3))[0]
    answers, choice = space.decode(row), MOBILENET.decode(row)

    for stage, blocks in enumerate(choice.blocks):
        assert answers[f"depth/{stage + 1}"] == len(blocks)
        assert [answers[f"kernel/{stage + 1}.{b + 1}"] for b in range(len(blocks))] == [b.kernel for b in blocks]
        assert f"kernel/{stage + 1}.{len(blocks) + 1}" not in answers
    assert space.keys(row[None])[0] == MOBILENET.encode(choice)


def test_skipped_genes_change_neither_the_network_nor_its_active_features():
    space = gene_space(MOBILENET)
    genes = space.draw(1, np.random.default_rng(0)).repeat(2, axis=0)
    genes[:, 0] = 0  # the first stage has two of its four blocks
    skipped = [i for i, gene in enumerate(space.genes) if gene.name in ("kernel/1.3", "expand/1.4")]
    genes[1, skipped] = (genes[1, skipped] + 1) % 3

    assert space.decode(genes[0]) == space.decode(genes[1])
    assert len(set(space.keys(genes))) == 1
    assert np.array_equal(*space.features(genes, Features.ACTIVE))
    assert not np.array_equal(*space.features(genes, Features.ONEHOT))


def test_draws_are_different_networks_and_do_not_depend_on_their_number():
    space = gene_space(MOBILENET)
    few, many = (space.draw(count, np.random.default_rng(1)) for count in (20, 300))

    assert np.array_equal(few, many[:20])
    assert len(set(space.keys(many))) == 300
    more = space.draw(50, np.random.default_rng(1), space.keys(many))
    assert set(space.keys(more)).isdisjoint(space.keys(many))


def test_an_exhausted_space_gives_what_it_has():
    space = GeneSpace([Gene("depth", (1, 2)), Gene("kernel", (3, 5), Condition("depth", 2))])

    assert sorted(space.keys(space.draw(10, np.random.default_rng(0)))) == [(0, 0), (1, 0), (1, 1)]


def test_a_gene_must_depend_on_one_that_is_there():
    with pytest.raises(ValueError, match="depends on a gene that is not there"):
        GeneSpace([Gene("kernel", (3, 5), Condition("depth", 2))])
