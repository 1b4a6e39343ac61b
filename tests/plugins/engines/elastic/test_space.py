"""The space of the paper, exactly, and the two ways of writing a sub-network."""

from __future__ import annotations

import numpy as np
import pytest

from palmette_plugins.architectures.mobile.frame import MBV3, PROXYLESS
from palmette_plugins.architectures.mobile.widths import rounded_width
from palmette_plugins.engines.elastic import Space, canonical, features, gene_sizes, random_genes
from palmette_plugins.engines.elastic.populations import choices

from .spaces import paper_space


def test_the_papers_space_has_its_size() -> None:
    assert paper_space().subnetworks == 7371**5 == 21_758_655_492_572_485_851


def test_genes_and_features_have_the_papers_lengths() -> None:
    space = paper_space((224,))
    assert len(space.genes) == 45
    assert gene_sizes(space).sum() == 135
    assert features(space, random_genes(space, 2, np.random.default_rng(0))).shape == (2, 121)
    assert features(paper_space(), random_genes(paper_space(), 2, np.random.default_rng(0))).shape == (2, 120 + 25)


@pytest.mark.parametrize("frame", [MBV3, PROXYLESS])
def test_decoding_undoes_encoding(frame: object) -> None:
    space = Space(frame, (2, 3, 4), (3, 6), (3, 5, 7), (128, 224))  # type: ignore[arg-type]
    genes = random_genes(space, 200, np.random.default_rng(1))
    for row, clean, choice in zip(genes, canonical(space, genes), choices(space, genes), strict=True):
        assert space.decode(space.encode(choice)) == choice == space.decode(row)
        assert space.encode(choice) == tuple(clean)
        assert space.contains(choice)


def test_genes_of_skipped_blocks_mean_nothing() -> None:
    space = paper_space()
    genes = np.zeros((1, len(space.genes)), dtype=np.int64)  # depth 2 everywhere
    other = genes.copy()
    skipped = [i for i, gene in enumerate(space.genes) if gene.block >= 2]
    other[0, skipped] = 1
    assert len(skipped) == 20
    assert space.decode(genes[0]) == space.decode(other[0])
    assert (features(space, genes) == features(space, other)).all()
    assert (canonical(space, genes) == canonical(space, other)).all()


def test_a_candidate_does_not_depend_on_how_many_are_drawn() -> None:
    few, many = (random_genes(paper_space(), count, np.random.default_rng(7)) for count in (5, 50))
    assert (few == many[:5]).all()


def test_draws_are_uniform_over_each_genes_answers() -> None:
    space = paper_space()
    genes = random_genes(space, 9000, np.random.default_rng(3))
    for column, size in enumerate(gene_sizes(space)):
        counts = np.bincount(genes[:, column], minlength=size)
        expected = 9000 / size
        assert abs(counts - expected).max() < 5 * expected**0.5


@pytest.mark.parametrize(
    ("value", "rounded"), [(1, 8), (8.8, 8), (11, 16), (12, 16), (40, 40), (20, 24), (89, 88), (17, 16), (18, 24)]
)
def test_widths_round_as_mobilenets(value: float, rounded: int) -> None:
    assert rounded_width(value) == rounded


@pytest.mark.parametrize(
    "values",
    [
        {"resolutions": (16, 64)},
        {"kernels": (2, 3)},
        {"kernels": (5, 3)},
        {"depths": ()},
        {"depths": (0, 1)},
        {"expands": (1, 3)},
    ],
)
def test_impossible_spaces_are_refused(values: dict[str, tuple[int, ...]]) -> None:
    whole = {"depths": (2,), "expands": (3,), "kernels": (3,), "resolutions": (64,), **values}
    with pytest.raises(ValueError, match=next(iter(values))[:-1]):
        Space(MBV3, **whole)


def test_no_sub_networks_at_all_are_a_population_too() -> None:
    none = random_genes(paper_space(), 0, np.random.default_rng(0))
    assert features(paper_space(), none).shape == (0, 145)
    assert canonical(paper_space(), none).shape == (0, 46)
