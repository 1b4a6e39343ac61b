"""Models made of other models."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.references import Reference
from palmette_plugins.api.resolve import architecture_provider
from palmette_plugins.api.spec import ModelSpec

_LOGIT_AVERAGE = "zoo:logit-average"


def logit_average(members: Sequence[LoadedModel]) -> LoadedModel:
    """Return the ensemble of `members`, whose modules it shares: the mean of their logits.

    Its spec holds theirs as parts ``0``, ``1``, ...; their weights are named ``members.0. ...``. When served it runs in
    PyTorch, not as ONNX. Whoever calls checks that the members do the same task on the same classes.
    """
    first = members[0]
    spec = ModelSpec(
        architecture=_LOGIT_AVERAGE,
        parts={str(index): member.spec for index, member in enumerate(members)},
        task=first.spec.task,
        io=first.spec.io,
        runtime="torch",
    )
    reference = Reference.parse(_LOGIT_AVERAGE)
    modules: list[nn.Module] = [member.module for member in members]
    module = architecture_provider(reference).compose(reference, modules)
    return LoadedModel(module, spec, _LOGIT_AVERAGE, pretrained=all(member.pretrained for member in members))
