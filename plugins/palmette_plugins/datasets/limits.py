"""``limit`` and ``test_limit``: a smaller part of any dataset, by the same rule everywhere.

``limit`` counts training examples and ``test_limit`` test examples. With `limit`, the validation split shrinks too:
to a tenth of the training examples, at least one of each class, and never more than there are. Images are taken
evenly over the classes, the first of each; windows of text from the start of each split.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from palmette_plugins.api.errors import FieldViolation, InvalidArgument
from palmette_plugins.api.reference_parameters import ReferenceParameters


class LimitParameters(ReferenceParameters):
    """Parameters of every dataset that can be taken in part."""

    limit: int | None = Field(None, ge=1, description="training examples; validation then keeps a tenth as many")
    test_limit: int | None = Field(None, ge=1, description="test examples")


def validation_size(limit: int, available: int, classes: int) -> int:
    """Return how many validation examples go with `limit` training examples; `classes` is 1 where there are none."""
    return min(available, max(classes, limit // 10))


def limited_sizes(available: Mapping[str, int], parameters: LimitParameters, classes: int = 1) -> dict[str, int]:
    """Return the size of each split under the limits.

    Raises:
        InvalidArgument: A limit is above what there is or below one example of each class; field ``reference``.
    """
    asked = (("limit", parameters.limit, available["train"]), ("test_limit", parameters.test_limit, available["test"]))
    wrong = [
        f"{name} must be from {min(classes, most)} to {most} (all that there are), got {value}"
        for name, value, most in asked
        if value is not None and not min(classes, most) <= value <= most
    ]
    if wrong:
        raise InvalidArgument(FieldViolation("reference", description) for description in wrong)
    sizes = dict(available)
    if parameters.limit is not None:
        sizes["train"] = parameters.limit
        sizes["validation"] = validation_size(parameters.limit, available["validation"], classes)
    if parameters.test_limit is not None:
        sizes["test"] = parameters.test_limit
    return sizes
