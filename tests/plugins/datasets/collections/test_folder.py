"""`beir:<folder>`: reading, writing, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.resolve import describe_dataset, load_dataset
from palmette_plugins.datasets.collections.folder import read_collection, write_collection
from palmette_plugins.datasets.collections.passages import Corpus, Passage
from palmette_plugins.datasets.collections.published import size_warning

PASSAGES = [Passage("d1", "Cats", "cats chase mice"), Passage("d2", "", "dogs chase cats"), Passage("d3", "Cheese", "")]
QUERIES = {"q1": "who chases mice", "q2": "who chases cats"}
JUDGEMENTS = {"train": {"q2": {"d2": 1}}, "test": {"q1": {"d1": 2, "d2": 0}}}


def folder_of(path: Path, **changes: str) -> Path:
    """Return a folder with a collection whose files were changed: name -> content."""
    write_collection(path, PASSAGES, QUERIES, JUDGEMENTS)
    for name, content in changes.items():
        (path / {"corpus": "corpus.jsonl", "queries": "queries.jsonl", "test": "qrels/test.tsv"}[name]).write_text(
            content
        )
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    data = load_dataset(f"beir:{folder_of(tmp_path)}")

    collection = data.collection
    assert list(collection.corpus) == PASSAGES
    assert [collection.corpus[index] for index in range(3)] == PASSAGES
    assert [collection.corpus.position(name) for name in ("d1", "d3", "d4")] == [0, 2, None]
    assert collection.queries == QUERIES
    assert collection.judgements == {**JUDGEMENTS, "validation": {}}
    assert (data.info.task, dict(data.info.sizes)) == ("ranking", {"train": 1, "validation": 0, "test": 1})
    assert list(data["test"]) == [("q1", "who chases mice")]
    assert PASSAGES[0].full_text == "Cats cats chase mice"
    assert PASSAGES[1].full_text == "dogs chase cats"


def test_a_development_split_is_the_validation_split(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td3\t1\n")
    assert read_collection(folder).judgements["validation"] == {"q1": {"d3": 1}}


def test_equal_content_gives_equal_fingerprints_wherever_it_lies(tmp_path: Path) -> None:
    first, second = (load_dataset(f"beir:{folder_of(tmp_path / name)}").fingerprint for name in "ab")
    other = folder_of(tmp_path / "c", test="h\nq1\td1\t1\n")
    changed = load_dataset(f"beir:{other}").fingerprint
    assert first == second != changed


def test_a_changed_folder_is_read_anew(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    assert len(read_collection(folder).corpus) == 3
    write_collection(folder, [*PASSAGES, Passage("d4", "", "more")], QUERIES, JUDGEMENTS)
    assert len(read_collection(folder).corpus) == 4


def test_a_folder_of_collections_is_one_set(tmp_path: Path) -> None:
    for name in ("android", "english"):
        folder_of(tmp_path / name)
    data = load_dataset(f"beir:{tmp_path}?name=forums")
    assert (data.name, [member.name for member in data.members]) == ("forums", ["android", "english"])
    assert data.info.sizes["test"] == 2
    with pytest.raises(InvalidArgument, match="android, english"):
        _ = data.collection


def test_parameters_name_and_group_a_set(tmp_path: Path) -> None:
    folder_of(tmp_path / "nfcorpus")
    assert load_dataset(f"beir:{tmp_path / 'nfcorpus'}").group == "biomedical"
    named = load_dataset(f"beir:{tmp_path / 'nfcorpus'}?name=mine&group=pets")
    assert (named.name, named.collection.name, named.group) == ("mine", "mine", "pets")


def test_only_public_sets_of_other_sizes_are_warned_of() -> None:
    assert size_warning("scifact", 5_183, 300) is None
    assert size_warning("my own", 3, 1) is None
    sizes = {"SciFact": "5,183", "nfcorpus": "3,633", "ArguAna": "8,674", "fiqa": "57,638", "scidocs": "25,657"}
    for name, documents in sizes.items():
        assert documents in str(size_warning(name, 3, 1))


LINE = json.dumps({"_id": "d1", "title": "", "text": "cats"})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"test": "h\nq1\td9\t1\nq1\td8\t1\n"}, "2 unknown passages: 'd9', 'd8'"),
        ({"test": "h\nq7\td1\t1\n"}, "1 unknown queries: 'q7'"),
        ({"corpus": f"{LINE}\n{LINE}\n"}, "1 ids more than once: 'd1'"),
        ({"queries": '{"_id": "q1", "text": "a"}\n{"_id": "q1", "text": "b"}\n'}, "1 ids more than once: 'q1'"),
        ({"test": "h\nq1\td1\t0.5\n"}, "line 2 of .*test.tsv has the grade '0.5', not an integer"),
        ({"test": "h\nq1\td1\t0\n"}, "test.tsv has no positive grade"),
        ({"test": "h\nq1 d1 1\n"}, "line 2 of .* with tabs"),
        ({"test": "h\nq1\td1\t1\nq1\td1\t2\n"}, "line 3 of .* contradicts"),
        ({"corpus": f"{LINE}\n{{\n"}, "line 2 of .*corpus.jsonl is not JSON"),
        ({"corpus": '{"_id": 1, "text": "a"}\n'}, "line 1 of .* must have the strings _id and text"),
        ({"corpus": '{"_id": "a b", "text": "a"}\n'}, "ids are words without spaces"),
    ],
)
def test_bad_input_is_refused_when_a_job_is_submitted(tmp_path: Path, changes: dict[str, str], text: str) -> None:
    folder_of(tmp_path, **changes)
    with pytest.raises(InvalidArgument, match=text) as error:
        describe_dataset(f"beir:{tmp_path}", "inputs.sets")
    assert error.value.violations[0].field == "inputs.sets"


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    folder = folder_of(tmp_path)
    (folder / "qrels" / "train.tsv").unlink()
    (folder / missing).unlink()
    with pytest.raises(InvalidArgument, match=f"has no {missing}"):
        describe_dataset(f"beir:{folder}", "inputs.sets")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="there is no folder"):
        describe_dataset(f"beir:{tmp_path / 'nowhere'}", "inputs.sets")


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1), unique=True, min_size=1)
)
def test_every_id_is_found_at_its_place_and_ties_go_by_the_last_id(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("ids")
    write_collection(folder, (Passage(name, "", name) for name in ids), {}, {})
    corpus = Corpus(folder / "corpus.jsonl")
    assert [corpus.position(name) for name in ids] == list(range(len(ids)))
    ranks = corpus.descending()
    assert sorted(ids, key=lambda name: ranks[ids.index(name)]) == sorted(ids, reverse=True)
