"""Architectures: the providers of `zoo:`, `timm:` and `hf:`, and how models are built, loaded and saved."""
