"""A sub-network as JSON says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from palmette_plugins.api.errors import FieldViolation, InvalidArgument
from palmette_plugins.architectures.mobile.network import BlockChoice
from palmette_plugins.engines.elastic.space import Choice, Space

_LISTS = ("depths", "expands", "kernels")


def described(choice: Choice) -> dict[str, Any]:
    """Return ``depths`` of each stage, ``expands`` and ``kernels`` of each block in order, and ``resolution``."""
    blocks = [block for stage in choice.blocks for block in stage]
    return {
        "depths": list(choice.depths),
        "expands": [block.expand for block in blocks],
        "kernels": [block.kernel for block in blocks],
        "resolution": choice.resolution,
    }


def parse_choice(space: Space, value: Mapping[str, Any], field: str) -> Choice:
    """Return the sub-network that `described` wrote; a list of one number stands for all stages or blocks.

    What is left out is as in the largest sub-network.

    Raises:
        InvalidArgument: With everything that is wrong; fields are ``<field>.depths`` and so on.
    """
    allowed = {"depths": space.depths, "expands": space.expands, "kernels": space.kernels}
    given = {name: [int(item) for item in value.get(name) or [allowed[name][-1]]] for name in _LISTS}
    stages = space.frame.stages
    depths = given["depths"]
    if len(depths) == 1:
        depths = [stage.fixed_depth or depths[0] for stage in stages]
    count = sum(depths)
    expands, kernels = (given[name] * count if len(given[name]) == 1 else given[name] for name in _LISTS[1:])
    resolution = int(value.get("resolution") or space.resolutions[-1])
    wrong = _violations(space, depths, field)
    for name, values in (("expands", expands), ("kernels", kernels)):
        wrong += _list_violations(f"{field}.{name}", values, allowed[name], "a block", count)
    if resolution not in space.resolutions:
        wrong.append(FieldViolation(f"{field}.resolution", f"must be one of {_listed(space.resolutions)}"))
    if wrong:
        raise InvalidArgument(wrong)
    blocks = iter([BlockChoice(*pair) for pair in zip(expands, kernels, strict=True)])
    return Choice(tuple(tuple(next(blocks) for _ in range(depth)) for depth in depths), resolution)


def _violations(space: Space, depths: Sequence[int], field: str) -> list[FieldViolation]:
    stages = len(space.frame.stages)
    if len(depths) != stages:
        return [FieldViolation(f"{field}.depths", f"needs one number for each of {stages} stages, got {len(depths)}")]
    return [
        FieldViolation(f"{field}.depths", f"stage {number + 1} has {_listed(space.stage_depths(number))} blocks")
        for number, depth in enumerate(depths)
        if depth not in space.stage_depths(number)
    ]


def _list_violations(
    field: str, values: Sequence[int], allowed: Sequence[int], of: str, count: int
) -> list[FieldViolation]:
    if len(values) != count:
        return [FieldViolation(field, f"needs one number for each of {count} blocks, got {len(values)}")]
    strange = sorted(set(values) - set(allowed))
    return [FieldViolation(field, f"{of} has one of {_listed(allowed)}, not {_listed(strange)}")] if strange else []


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
