"""The sheet of examples: the best, the borderline and the worst pairs, with their images."""

from __future__ import annotations

import base64
import heapq
import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import altair as alt
import numpy as np
from PIL import Image

from palmette_plugins.data_filtering.keeping import Kept
from palmette_plugins.datasets.pair_pool import PairPool, RawPair
from palmette_plugins.datasets.pair_preparation import decoded
from palmette_plugins.engines.contrastive.score_shards import ScoreShards

SHOWN = 6  # of each kind
_THUMBNAIL = 56
_LONGEST = 34  # characters of a caption
_CELL = 132


class Place(StrEnum):
    """Where in the order of scores."""

    BEST = "best"
    KEPT = "just kept"
    DROPPED = "just not kept"
    WORST = "worst"


@dataclass(frozen=True)
class Example:
    """A pair on the sheet; `position` is its place in the pool."""

    place: Place
    position: int
    score: float


def examples(shards: ScoreShards, kept: Kept) -> list[Example]:
    """Return the pairs to show, best first in each place, from one pass over the scores."""
    heaps: dict[Place, list[tuple[float, int, float]]] = {place: [] for place in Place}
    first = 0
    for scores in shards.column():
        for offset in np.flatnonzero(np.isfinite(scores)).tolist():
            score, position = float(scores[offset]), first + offset
            is_kept = bool(kept.mask[position])
            _push(heaps[Place.BEST], score, position, score)
            _push(heaps[Place.WORST], -score, position, score)
            _push(heaps[Place.KEPT if is_kept else Place.DROPPED], -score if is_kept else score, position, score)
        first += len(scores)
    return [
        Example(place, -position, score)
        for place, heap in heaps.items()
        for _, position, score in sorted(heap, key=lambda item: (-item[2], -item[1]))
    ]


def sheet_rows(pool: PairPool, rows: list[int], shown: list[Example]) -> list[dict[str, object]]:
    """Return a row for every example: where, score, caption, image as a data URL."""
    pairs = dict(_pairs_at(pool, rows, {example.position for example in shown}))
    found = []
    for place in Place:
        for column, example in enumerate(each for each in shown if each.place is place):
            pair = pairs[example.position]
            found.append(
                {
                    "place": place.value,
                    "column": column,
                    "uid": pair.uid,
                    "score": example.score,
                    "caption": pair.caption,
                    "image": _thumbnail(pair),
                }
            )
    return found


def sheet_chart(rows: list[dict[str, object]]) -> alt.LayerChart:
    """Return the sheet: a line of images for each place, with scores above and captions below."""
    shown = [{**row, "text": _shortened(str(row["caption"])), "number": f"{row['score']:.3f}"} for row in rows]
    base = alt.Chart(alt.Data(values=shown), title="Pairs by score").encode(
        x=alt.X("column:O", axis=None),
        y=alt.Y("place:N", sort=[place.value for place in Place], title=None),
        tooltip=["caption:N", "number:N", "uid:N"],
    )
    images = base.mark_image(width=_THUMBNAIL, height=_THUMBNAIL).encode(url="image:N")
    scores = base.mark_text(dy=-_THUMBNAIL / 2 - 8, fontSize=10).encode(text="number:N")
    captions = base.mark_text(dy=_THUMBNAIL / 2 + 8, fontSize=9).encode(text="text:N")
    return (images + scores + captions).properties(width=alt.Step(_CELL), height=alt.Step(_THUMBNAIL + 38))


def histogram_chart(kept: Kept, bars: int = 64) -> alt.LayerChart:
    """Return how many pairs have which score, with the cut."""
    counts = kept.counts.reshape(bars, -1).sum(axis=1)
    edges = kept.edges[:: len(kept.counts) // bars]
    rows = [
        {"from": float(edges[index]), "to": float(edges[index + 1]), "pairs": int(count)}
        for index, count in enumerate(counts)
    ]
    base = alt.Chart(alt.Data(values=rows), title=f"Scores of {int(counts.sum()):,} pairs; {kept.cut.kept:,} are kept")
    bar = base.mark_bar(color="#1f6f43").encode(
        x=alt.X("from:Q", title="score", scale=alt.Scale(zero=False)),
        x2="to:Q",
        y=alt.Y("pairs:Q", title="pairs"),
        tooltip=[alt.Tooltip("from:Q", format=".3f"), alt.Tooltip("to:Q", format=".3f"), "pairs:Q"],
    )
    if not np.isfinite(kept.cut.threshold):
        return alt.layer(bar)
    cut = alt.Chart(alt.Data(values=[{"cut": kept.cut.threshold}]))
    rule = cut.mark_rule(color="#b03a2e", strokeDash=[6, 4]).encode(
        x="cut:Q", tooltip=[alt.Tooltip("cut:Q", title="kept from", format=".4f")]
    )
    return alt.layer(bar, rule)


def _push(heap: list[tuple[float, int, float]], key: float, position: int, score: float) -> None:
    """Keep the `SHOWN` largest keys; of equal ones the first positions."""
    entry = (key, -position, score)
    if len(heap) < SHOWN:
        heapq.heappush(heap, entry)
    elif entry > heap[0]:
        heapq.heapreplace(heap, entry)


def _pairs_at(pool: PairPool, rows: list[int], positions: set[int]) -> Iterator[tuple[int, RawPair]]:
    first = 0
    for shard, count in zip(pool.shards(), rows, strict=True):
        if any(first <= position < first + count for position in positions):
            for offset, pair in enumerate(shard.pairs()):
                if first + offset in positions:
                    yield first + offset, pair
        first += count


def _thumbnail(pair: RawPair) -> str:
    native = decoded(pair.image)
    picture = Image.fromarray(native[0] if len(native) == 1 else native.transpose(1, 2, 0))
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _shortened(caption: str) -> str:
    return caption if len(caption) <= _LONGEST else f"{caption[: _LONGEST - 1]}…"
