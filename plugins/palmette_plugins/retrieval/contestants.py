"""Who takes part in a comparison: reference models, encoders, fused runs, ready runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from palmette_plugins.api import InvalidArgument, JobContext, LoadedModel, Reference
from palmette_plugins.api.artifacts import StoredArtifact
from palmette_plugins.engines.retrieval.comparison import Contestant, Place
from palmette_plugins.engines.retrieval.cross_encoder import CrossEncoder, rerank
from palmette_plugins.engines.retrieval.leaderboard import Entry
from palmette_plugins.engines.retrieval.retrievers import DenseRetriever, LexicalRetriever, Retriever, SparseRetriever
from palmette_plugins.engines.retrieval.run import Ranked, RankedRun
from palmette_plugins.engines.retrieval.shards import VectorShards
from palmette_plugins.engines.retrieval.text_encoder import TextEncoder

BASELINE = "bm25_flat"
_SEGMENTED = "-segmented"


def lexical_contestants(models: Sequence[str], bm25: dict[str, float], segmented: bool) -> list[Contestant]:
    """Return BM25 over one field and over two; windows are of one field, so only the first is searched by them."""

    def contestant(name: str, by_windows: bool) -> Contestant:
        def retriever(place: Place) -> Retriever:
            multifield = name != BASELINE
            corpus = place.collection.corpus
            return LexicalRetriever(corpus, place.ranks, multifield=multifield, segmented=by_windows, **bm25)

        return Contestant(Entry(name + _SEGMENTED * by_windows, "lexical", "none"), retriever)

    whole = [contestant(name, False) for name in models]
    return [*whole, *(contestant(name, True) for name in models if segmented and name == BASELINE)]


def encoder_contestants(
    job: JobContext, models: Sequence[LoadedModel], max_tokens: int | None, batch_size: int, segmented: bool
) -> list[Contestant]:
    """Return the encoders; dense ones by windows too where asked for. Their vectors lie in the job's checkpoints."""
    found: list[Contestant] = []
    seen = Counter[str]()
    for number, model in enumerate(models):
        name = encoder_name(model)
        seen[name] += 1
        name = name if seen[name] == 1 else f"{name}-{seen[name]}"
        encoder = TextEncoder(model, job.device, max_tokens)
        parameters = sum(parameter.numel() for parameter in model.module.parameters())
        if encoder.tokenizer.settings.kind != "dense":
            retriever = partial(_sparse, encoder=encoder, batch_size=batch_size)
            found.append(Contestant(Entry(name, "sparse", "", parameters, model.artifact), retriever))
            continue
        for by_windows in (False, True) if segmented else (False,):
            part = _SEGMENTED * by_windows
            vectors = f"{job.spec.checkpoint_url.rstrip('/')}/vectors/{number}{part}"
            dense = partial(
                _dense, encoder=encoder, vectors=vectors, segmented=by_windows, batch_size=batch_size, device=job.device
            )
            found.append(Contestant(Entry(name + part, "dense", "", parameters, model.artifact), dense))
    return found


def hybrids(contestants: Sequence[Contestant]) -> list[tuple[Entry, tuple[str, str]]]:
    """Return the first lexical model fused with each encoder: an entry, and the names of its two runs."""
    lexical = next(found.entry for found in contestants if found.entry.kind == "lexical")
    found = []
    for encoder in (other.entry for other in contestants if other.entry.kind != "lexical"):
        name = f"rrf({lexical.name}, {encoder.name})"
        entry = Entry(name, "hybrid", parameters=encoder.parameters, artifact=encoder.artifact)
        found.append((entry, (lexical.name, encoder.name)))
    return found


@dataclass(frozen=True)
class Reranker:
    """The first lexical model's hits by a cross-encoder: an entry, the name of that model, and how it is done."""

    entry: Entry
    first: str
    rerank: Callable[..., dict[str, Ranked]]

    def run(self, place: Place, runs: Mapping[str, RankedRun]) -> dict[str, Ranked]:
        """Return the re-ranked run on a collection."""
        return self.rerank(runs[self.first], place.collection.queries, place.collection.corpus)


def reranker(job: JobContext, contestants: Sequence[Contestant], config: Any) -> Reranker:
    """Return the re-ranker of a job with a cross-encoder."""
    first = next(found.entry for found in contestants if found.entry.kind == "lexical")
    model = job.model("cross_encoder")
    encoder = CrossEncoder(model, job.device, config.max_tokens)
    scores = partial(encoder.scores, batch_size=config.batch_size, check=job.raise_if_cancelled)
    parameters = sum(parameter.numel() for parameter in model.module.parameters())
    name = f"rerank({first.name}, {encoder_name(model)})"
    entry = Entry(name, "re-ranker", parameters=parameters, artifact=model.artifact)
    return Reranker(entry, first.name, partial(rerank, scores=scores, depth=config.rerank_depth))


def ready_runs(artifacts: Sequence[StoredArtifact]) -> list[tuple[Entry, Callable[[Place], Path]]]:
    """Return the entries of run artifacts, each with what finds its file for a collection."""
    found = []
    for artifact in artifacts:
        said = artifact.manifest.attributes
        name = str(said.get("model") or f"run-{artifact.id[:8]}")
        kind, training = str(said.get("type") or "run"), str(said.get("training_data") or "")
        found.append((Entry(name, kind, training, artifact=artifact.id), partial(_run_file, artifact)))
    return found


def encoder_name(model: LoadedModel) -> str:
    """Return what tables call an encoder: the end of its folder, or the beginning of its artifact's id."""
    reference = Reference.parse(model.reference)
    target = reference.target.rstrip("/").rsplit("/", 1)[-1]
    return f"encoder-{target[:8]}" if reference.scheme == "artifact" else target


def _run_file(artifact: StoredArtifact, place: Place) -> Path:
    path = f"{place.key}.trec"
    if path not in {file.path for file in artifact.manifest.files}:
        raise InvalidArgument.field("inputs.runs", f"{artifact.reference} has no {path}")
    return artifact.file(path)


def _sparse(place: Place, encoder: TextEncoder, batch_size: int) -> Retriever:
    return SparseRetriever(place.collection.corpus, place.ranks, encoder, batch_size=batch_size)


def _dense(
    place: Place, encoder: TextEncoder, vectors: str, segmented: bool, batch_size: int, device: Any
) -> Retriever:
    shards = VectorShards(f"{vectors}/{place.key}")
    return DenseRetriever(
        place.collection.corpus,
        place.ranks,
        encoder,
        shards,
        segmented=segmented,
        batch_size=batch_size,
        device=device,
    )
