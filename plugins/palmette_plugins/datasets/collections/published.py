"""What is known of the public sets of the BEIR benchmark (Thakur et al., 2021, table 1): size, and what they ask."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedSet:
    """Passages, judged test queries, and the group that the leaderboard puts the set in."""

    documents: int
    queries: int
    group: str


PUBLISHED = {
    "trec-covid": PublishedSet(171_332, 50, "biomedical"),
    "bioasq": PublishedSet(14_914_602, 500, "biomedical"),
    "nfcorpus": PublishedSet(3_633, 323, "biomedical"),
    "nq": PublishedSet(2_681_468, 3_452, "question answering"),
    "hotpotqa": PublishedSet(5_233_329, 7_405, "question answering"),
    "fiqa": PublishedSet(57_638, 648, "question answering"),
    "signal1m": PublishedSet(2_866_316, 97, "tweets"),
    "trec-news": PublishedSet(594_977, 57, "news"),
    "robust04": PublishedSet(528_155, 249, "news"),
    "arguana": PublishedSet(8_674, 1_406, "arguments"),
    "webis-touche2020": PublishedSet(382_545, 49, "arguments"),
    "cqadupstack": PublishedSet(457_199, 13_145, "duplicate questions"),
    "quora": PublishedSet(522_931, 10_000, "duplicate questions"),
    "dbpedia-entity": PublishedSet(4_635_922, 400, "entities"),
    "scidocs": PublishedSet(25_657, 1_000, "citations"),
    "fever": PublishedSet(5_416_568, 6_666, "fact checking"),
    "climate-fever": PublishedSet(5_416_593, 1_535, "fact checking"),
    "scifact": PublishedSet(5_183, 300, "fact checking"),
}
_OTHER_NAMES = {"fiqa2018": "fiqa", "touche2020": "webistouche2020", "dbpedia": "dbpediaentity"}


def published(name: str) -> PublishedSet | None:
    """Return the public set that a collection's name stands for, however it is written; None for any other."""
    plain = _plain(name)
    return {_plain(known): found for known, found in PUBLISHED.items()}.get(_OTHER_NAMES.get(plain, plain))


def size_warning(name: str, documents: int, queries: int) -> str | None:
    """Return what to warn of where a set of a public name has other sizes than the public one: a stale version?"""
    known = published(name)
    if known is None or (known.documents, known.queries) == (documents, queries):
        return None
    return (
        f"{name} has {documents:,} passages and {queries:,} test queries, the public set {known.documents:,} and "
        f"{known.queries:,}: figures cannot be compared with published ones"
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
