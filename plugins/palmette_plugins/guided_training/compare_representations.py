"""Operation ``compare-representations``: every layer of one model against every layer of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.data import Dataset
from palmette_plugins.api.errors import FieldViolation, InvalidArgument, nearest_names
from palmette_plugins.api.resolve import load_dataset
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.datasets.batches import gather
from palmette_plugins.engines.representations import Distance, compare
from palmette_plugins.engines.representations.charts import similarity_map

EXAMPLES = 256
MOST_EXAMPLES = 2048


def compare_representations(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``palmette.guided_training.v1.CompareRepresentationsResponse``.

    `request` has those of CompareRepresentationsRequest and ``artifact_store_url``.

    Raises:
        InvalidArgument: With everything that is wrong; fields are named as in the request.
    """
    distance, split, count = _settings(request)
    url = str(request.get("artifact_store_url") or "")
    store = ArtifactStore(url) if url else None
    data = load_dataset(str(request["data"]), "data", store)
    seed = int(request.get("seed") or 0)
    first, second = (
        load_model_reference(str(request[name]), name, data.info, store, seed=seed) for name in ("first", "second")
    )
    inputs = _examples(data, split, count)
    found = compare(first.module, second.module, inputs, distance)
    if not found.first or not found.second:
        which = "second" if found.first else "first"
        raise InvalidArgument.field(which, f"'{request[which]}' has no layer before its last one to compare")
    title = f"Similarity of layers ({distance.upper()}, {len(inputs[0])} examples)"
    return {
        "first_layers": list(found.first),
        "second_layers": list(found.second),
        "rows": [{"similarities": row} for row in found.similarity.tolist()],
        "examples": len(inputs[0]),
        "figure": similarity_map(found, (str(request["first"]), str(request["second"])), title).to_dict(),
    }


def _settings(request: Mapping[str, Any]) -> tuple[Distance, str, int]:
    """Return distance, split and number of examples; refuse everything that is wrong with them at once."""
    wrong = []
    distance = str(request.get("distance") or Distance.CKA.value)
    if distance not in list(Distance):
        wrong.append(FieldViolation("distance", f"'{distance}' is none of {', '.join(Distance)}"))
    split, splits = str(request.get("split") or "validation"), ["train", "validation", "test"]
    if split not in splits:
        wrong.append(FieldViolation("split", f"no split '{split}'{nearest_names(split, splits)}"))
    count = int(request.get("examples") or EXAMPLES)
    if not 2 <= count <= MOST_EXAMPLES:
        wrong.append(FieldViolation("examples", f"must be from 2 to {MOST_EXAMPLES}, got {count}"))
    if wrong:
        raise InvalidArgument(wrong)
    return Distance(distance), split, count


def _examples(data: Dataset, split: str, count: int) -> tuple[Tensor, ...]:
    available = len(data[split])  # type: ignore[arg-type]
    if available < 2:
        raise InvalidArgument.field("split", f"'{split}' has {available} example(s); a comparison needs two")
    # Spread over the split: its order may be by class.
    indices = torch.linspace(0, available - 1, min(count, available)).round().long()
    return data.task.inputs(gather(data[split], indices))
