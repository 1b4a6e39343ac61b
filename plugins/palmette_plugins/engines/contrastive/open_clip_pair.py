"""Models of open_clip as two towers of the suite."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from palmette_plugins.api.errors import InvalidArgument, NotFound
from palmette_plugins.datasets.pair_preparation import PairPreparation, Tokenizer
from palmette_plugins.engines.contrastive.loss import clamped
from palmette_plugins.engines.contrastive.towers import Towers

# Of the images that CLIP was trained on.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
_MISSING = "models of open_clip need open_clip_torch: pip install 'palmette-plugins[data-filtering]'"


class OpenClipPair(Towers):
    """A model of open_clip."""

    def __init__(self, clip: nn.Module) -> None:
        super().__init__()
        self.clip: Any = clip

    def image_vectors(self, images: Tensor) -> Tensor:
        """Return unit vectors (B, D) of images (B, C, H, W)."""
        vectors: Tensor = self.clip.encode_image(images, normalize=True)
        return vectors

    def text_vectors(self, tokens: Tensor) -> Tensor:
        """Return unit vectors (B, D) of tokens (B, context)."""
        vectors: Tensor = self.clip.encode_text(tokens, normalize=True)
        return vectors

    def scale(self) -> Tensor:
        """Return the factor of the cosines."""
        return clamped(self.clip.logit_scale)


def known_name(name: str) -> str:
    """Return open_clip's spelling of a model's name: ``vit_b_32`` is ``ViT-B-32``.

    Raises:
        NotFound: There is none such, with the nearest names; or open_clip is not installed.
    """
    names = open_clip_names()
    if not names:
        raise NotFound(_MISSING)
    spelled = {_letters(each): each for each in reversed(names)}
    if _letters(name) not in spelled:
        raise NotFound.named("open_clip model", name, names)
    return name if name in names else spelled[_letters(name)]


def open_clip_names() -> list[str]:
    """Return the names of open_clip's models without importing it; none where it is not installed."""
    found = importlib.util.find_spec("open_clip")
    if found is None or found.origin is None:
        return []
    return sorted(file.stem for file in (Path(found.origin).parent / "model_configs").glob("*.json"))


def build_open_clip(name: str, weights: Path | None = None) -> OpenClipPair:
    """Return a model of open_clip, new or with the weights of a local file.

    Raises:
        InvalidArgument: It cannot be made, or the weights do not fit.
    """
    options: dict[str, Any] = {"pretrained": str(weights)} if weights is not None else {"load_weights": False}
    try:
        # The device of the context, which is `meta` where only the structure is wanted.
        device = torch.get_default_device()
        clip = _open_clip().create_model(name, pretrained_text=False, device=device, **options)
    except Exception as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvalidArgument.field("reference", f"open_clip cannot make '{name}': {first_line}") from error
    return OpenClipPair(clip)


@lru_cache(maxsize=8)
def open_clip_preparation(name: str) -> PairPreparation:
    """Return how open_clip's model wants images and texts.

    Raises:
        InvalidArgument: Its tokenizer would have to be fetched from a hub.
    """
    config = _open_clip().get_model_config(name)
    if config["text_cfg"].keys() & {"hf_tokenizer_name", "hf_model_name"}:
        text = f"the tokenizer of '{name}' comes from a hub; take a model with CLIP's own, such as ViT-B-32"
        raise InvalidArgument.field("reference", text)
    size = config["vision_cfg"]["image_size"]
    height, width = (size, size) if isinstance(size, int) else size
    tokenize: Tokenizer = _open_clip().get_tokenizer(name)
    return PairPreparation(3, height, width, _MEAN, _STD, tokenize)


def _open_clip() -> Any:
    try:
        import open_clip
    except ImportError:
        raise NotFound(_MISSING) from None
    return open_clip


def _letters(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace("/", "")
