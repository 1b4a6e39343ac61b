"""Collections of installed texts: queries with the passages that they came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from palmette_plugins.api import InvalidArgument
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.datasets.collections import debian_packages, python_docs, wordnet
from palmette_plugins.datasets.collections.folder import read_collection
from palmette_plugins.datasets.collections.html_sections import index_entries, sections
from palmette_plugins.datasets.collections.known_items import CollectionParameters, KnownItem, write_known_items
from palmette_plugins.datasets.collections.passages import Passage


def items(count: int) -> list[KnownItem]:
    return [KnownItem(Passage(f"p{i}", "", f"text {i}"), (f"query {i}", "shared")) for i in range(count)]


def test_a_query_of_several_passages_has_several_answers(tmp_path: Path) -> None:
    write_known_items(tmp_path, items(20), CollectionParameters())
    collection = read_collection(tmp_path)
    judged = {query: grades for part in collection.judgements.values() for query, grades in part.items()}
    assert len(judged) == 21
    for query, grades in judged.items():
        text = collection.queries[query]
        expected = {f"p{i}" for i in range(20)} if text == "shared" else {f"p{text.split()[1]}"}
        assert set(grades) == expected


def test_splits_share_no_query_and_depend_on_the_seed_alone(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_known_items(tmp_path / name, items(100), CollectionParameters(seed=seed))
    first, second, other = (read_collection(tmp_path / name).judgements for name in "abc")
    assert first == second != other
    assert {split: len(judged) for split, judged in first.items()} == {"train": 81, "validation": 10, "test": 10}
    assert len({query for judged in first.values() for query in judged}) == 101


def test_limits_take_fewer_passages_and_queries(tmp_path: Path) -> None:
    write_known_items(tmp_path, items(100), CollectionParameters(documents=50, limit=10, test_limit=3))
    collection = read_collection(tmp_path)
    assert len(collection.corpus) == 50
    assert {split: len(judged) for split, judged in collection.judgements.items()} == {
        "train": 10,
        "validation": 1,
        "test": 3,
    }
    with pytest.raises(InvalidArgument, match="at most 100"):
        write_known_items(tmp_path, items(100), CollectionParameters(documents=101))


def test_wordnet_pairs_examples_and_words_with_their_senses() -> None:
    examples = load_dataset("wordnet?documents=3000").collection
    lemmas = load_dataset("wordnet?documents=3000&queries=lemmas").collection
    assert len(examples.corpus) == len(lemmas.corpus) == 3000
    assert [passage.text for passage in examples.corpus] == [passage.text for passage in lemmas.corpus]
    words = {passage.id: passage.title.split(", ") for passage in examples.corpus}
    for query, grades in lemmas.judgements["test"].items():
        assert all(lemmas.queries[query] in words[passage] for passage in grades)
    assert all(passage.text and '"' not in passage.text for passage in examples.corpus)


def test_a_sense_is_read_as_the_database_writes_it() -> None:
    line = (
        "00064889 29 v 02 tire 0 wear_out 0 001 @ 00109660 v 0000 01 + 02 00 | lose interest; become bored; "
        '"I\'m so tired of your mother"; or so'
    )
    item = wordnet._item(line, lemmas=False)
    assert item.passage == Passage("v00064889", "tire, wear out", "lose interest; become bored; or so")
    assert item.queries == ("I'm so tired of your mother",)
    unclosed = wordnet._item('0 04 n 01 act 0 000 | something done; "his act', lemmas=False)
    assert (unclosed.passage.text, unclosed.queries) == ("something done", ("his act",))
    assert wordnet._item(line, lemmas=True).queries == ("tire", "wear out")


PAGE = """<body><nav id="menu">no</nav><section id="module-os"><span id="index-0"></span><h1>os &#8212; Systems<a
class="headerlink" href="#module-os">P</a></h1><p>It <em>talks</em> to systems.</p><section id="files"><h2>Files</h2>
<dl><dt id="os.open">os.open(path)</dt><dd>Opens a file.</dd></dl></section><p>The end.</p></section></body>"""


def test_sections_hold_their_own_text_only() -> None:
    first, second = sections(PAGE)
    assert (first.title, first.text, first.anchors) == (
        "os — Systems",
        "It talks to systems. The end.",
        ["module-os", "index-0"],
    )
    assert (second.title, second.page_title, second.text) == ("Files", "os — Systems", "os.open(path) Opens a file.")
    assert second.anchors == ["files", "os.open"]


def test_index_entries_read_with_what_stands_above_them() -> None:
    html = """<ul><li>os<ul><li><a href="os.html#module-os">module</a>, <a href="os.html#index-0">[1]</a></li></ul></li>
    <li><a href="os.html#os.open">open() (in module os)</a></li></ul>"""
    assert index_entries(html) == [
        ("os.html#module-os", "os module"),
        ("os.html#index-0", "os module"),
        ("os.html#os.open", "open() (in module os)"),
    ]


def test_the_manual_s_index_points_into_its_sections() -> None:
    files = tuple(
        file
        for file in python_docs.PythonDocs().files()
        if file.name in ("genindex-B.html", "bisect.html", "general.html")
    )
    found = {item.passage.id: item for item in python_docs._items(files)}
    assert "bisect_left() (in module bisect)" in found["library/bisect#module-bisect"].queries
    question = "Why does Python allow commas at the end of lists and tuples?"
    assert not any(question == item.passage.title for item in found.values())


def test_package_names_find_their_synopses() -> None:
    collection = load_dataset("debian-packages?documents=200").collection
    assert len(collection.corpus) == 200
    for query, grades in collection.judgements["test"].items():
        assert any(passage.replace("-", " ") == collection.queries[query] for passage in grades) or len(grades) == 1


@pytest.mark.parametrize(
    ("module", "name", "package"),
    [(wordnet, "_FOLDER", "wordnet-base"), (python_docs, "_FOLDER", "python3.11-doc")],
)
def test_what_is_not_installed_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: object, name: str, package: str
) -> None:
    monkeypatch.setattr(module, name, tmp_path)
    scheme = str(module.__name__).rsplit(".", 1)[-1].replace("_", "-")  # type: ignore[attr-defined]
    with pytest.raises(InvalidArgument, match=f"apt-get install .*{package}"):
        load_dataset(scheme)


def test_apt_s_lists_may_be_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(debian_packages, "_LISTS", tmp_path)
    with pytest.raises(InvalidArgument, match="apt-get update"):
        load_dataset("debian-packages")
