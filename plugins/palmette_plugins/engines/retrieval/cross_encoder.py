"""Cross-encoders: a query and a passage read together, and re-ranking with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.datasets.collections.passages import Corpus
from palmette_plugins.engines.retrieval.order import Scores
from palmette_plugins.engines.retrieval.run import Ranked, RankedRun, ranked
from palmette_plugins.engines.retrieval.text_encoder import tokenizer_of

DEPTH = 100


class CrossEncoder:
    """A loaded cross-encoder on a device."""

    def __init__(self, model: LoadedModel, device: torch.device | str = "cpu", max_tokens: int | None = None) -> None:
        """Take a loaded cross-encoder; raises `InvalidArgument` where no tokenizer travels with it."""
        self.model = model
        self._tokenizer = tokenizer_of(model, max_tokens)
        self._device = torch.device(device)
        model.module.to(self._device)

    @torch.inference_mode()
    def scores(
        self,
        pairs: Sequence[tuple[str, str]],
        batch_size: int = 128,
        check: Callable[[], None] = lambda: None,
    ) -> Scores:
        """Return the score of each (query, passage), (N,); `check` is called before each batch."""
        found = np.empty(len(pairs), np.float32)
        encoded = self._tokenizer.pairs(pairs)
        order = sorted(range(len(pairs)), key=lambda index: -len(encoded[index][0]))
        for start in range(0, len(order), batch_size):
            check()
            chosen = order[start : start + batch_size]
            tokens, mask = self._tokenizer.padded([encoded[index][0] for index in chosen])
            types = np.zeros_like(tokens)
            for row, index in enumerate(chosen):
                types[row, : len(encoded[index][1])] = encoded[index][1]
            inputs = (torch.from_numpy(part).to(self._device) for part in (tokens, mask, types))
            found[chosen] = self.model.module.eval()(*inputs)[:, 0].float().cpu().numpy()
        return found


def rerank(
    run: RankedRun,
    queries: Mapping[str, str],
    corpus: Corpus,
    scores: Callable[[Sequence[tuple[str, str]]], Scores],
    depth: int = DEPTH,
) -> dict[str, Ranked]:
    """Return the first hits of a run in the order of other scores; what is below `depth` is left out.

    Args:
        run: What was retrieved, with ids of the corpus.
        queries: Texts by id.
        corpus: The passages.
        scores: Of (query, passage) pairs, such as `CrossEncoder.scores`.
        depth: Hits of each query that are scored.
    """
    found = {}
    for query, hits in run.items():
        ids = list(hits.ids[:depth])
        positions = [corpus.position(name) for name in ids]
        pairs = [(queries[query], corpus[position].full_text) for position in positions if position is not None]
        found[query] = ranked(ids, scores(pairs)) if pairs else Ranked([], np.empty(0, np.float32))
    return found
