"""faiss behind one interface: exactness where it is promised, sizes, files that are mapped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palmette_plugins.api import InvalidArgument
from palmette_plugins.engines.retrieval.indexes import FaissIndex, IndexKind, IndexSettings, hits_of, recall_against

COUNT, DIMENSION = 300, 8


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((COUNT, DIMENSION)).astype(np.float32)


def build(vectors: np.ndarray, kind: IndexKind, **values: int) -> FaissIndex:
    settings = IndexSettings(kind=kind, **{"nlist": 4, "nprobe": 4, "subvectors": 4, "neighbours": 8, **values})
    return FaissIndex.build([vectors[:200], vectors[200:]], settings, training=vectors, count=len(vectors))


@pytest.mark.parametrize("kind", list(IndexKind))
def test_an_index_answers_alike_when_it_is_mapped(vectors: np.ndarray, kind: IndexKind, tmp_path: Path) -> None:
    index = build(vectors, kind)
    index.save(tmp_path / "index")
    found = FaissIndex.load(tmp_path / "index", IndexSettings(kind=kind, nlist=4, nprobe=4))
    assert (len(found), found.dimension) == (COUNT, DIMENSION)
    for first, second in zip(index.search(vectors[:5], 7), found.search(vectors[:5], 7), strict=True):
        assert np.array_equal(first, second)
    assert found.size_bytes == index.size_bytes == (tmp_path / "index").stat().st_size


def test_flat_and_ivf_that_looks_everywhere_are_exact(vectors: np.ndarray) -> None:
    expected = np.argsort(-(vectors[:9] @ vectors.T), axis=1)[:, :10]
    for kind in (IndexKind.FLAT, IndexKind.IVF):
        positions = build(vectors, kind).search(vectors[:9], 10)[1]
        assert np.array_equal(positions, expected)
        assert recall_against(expected.tolist(), positions.tolist(), 10) == 1.0
    narrow = build(vectors, IndexKind.IVF, nprobe=1).search(vectors[:9], 10)[1]
    assert 0 < recall_against(expected.tolist(), narrow.tolist(), 10) < 1


@pytest.mark.parametrize("kind", [IndexKind.PQ, IndexKind.OPQ])
def test_coded_vectors_score_as_their_decoded_ones_and_take_their_bytes(vectors: np.ndarray, kind: IndexKind) -> None:
    index = build(vectors, kind)
    scores, positions = index.search(vectors[:3], 4)
    for query, row, places in zip(vectors, scores, positions, strict=False):
        decoded = np.stack([index.decoded(int(place)) for place in places])
        assert row == pytest.approx(decoded @ query, abs=1e-4)
    codes, codebook = COUNT * 4, 1024 * DIMENSION
    rotation = 4 * DIMENSION**2 if kind is IndexKind.OPQ else 0
    assert codes + codebook + rotation <= index.size_bytes <= codes + codebook + rotation + 400


def test_the_rotation_of_opq_is_orthonormal(vectors: np.ndarray) -> None:
    import faiss

    index = build(vectors, IndexKind.OPQ)  # faiss's objects do not keep each other alive
    transform = faiss.downcast_VectorTransform(index.faiss.chain.at(0))
    matrix = faiss.vector_to_array(transform.A).reshape(DIMENSION, DIMENSION)
    assert np.allclose(matrix @ matrix.T, np.eye(DIMENSION), atol=1e-5)


def test_flat_vectors_take_four_bytes_a_number(vectors: np.ndarray) -> None:
    assert 0 <= build(vectors, IndexKind.FLAT).size_bytes - 4 * COUNT * DIMENSION < 100


def test_equal_seeds_give_equal_indexes(vectors: np.ndarray, tmp_path: Path) -> None:
    for name in "ab":
        build(vectors, IndexKind.IVF_PQ).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_fewer_vectors_than_hits(vectors: np.ndarray) -> None:
    scores, positions = hits_of(build(vectors, IndexKind.IVF, nprobe=1), vectors[:1], 1000)[0]
    assert 0 < len(positions) < COUNT
    assert (positions >= 0).all()
    assert len(scores) == len(positions)


@pytest.mark.parametrize(
    ("values", "count", "field"),
    [
        ({"kind": IndexKind.PQ, "subvectors": 3}, 300, "config.index.subvectors"),
        ({"kind": IndexKind.PQ, "subvectors": 4}, 255, "config.index.kind"),
        ({"kind": IndexKind.IVF, "nlist": 301}, 300, "config.index.nlist"),
    ],
)
def test_settings_that_do_not_suit_the_vectors_are_refused(
    vectors: np.ndarray, values: dict, count: int, field: str
) -> None:
    with pytest.raises(InvalidArgument) as error:
        FaissIndex.build([], IndexSettings(**values), training=vectors[:count], count=count)
    assert [violation.field for violation in error.value.violations] == [field]
