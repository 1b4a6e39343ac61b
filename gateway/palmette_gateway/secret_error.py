"""What is wrong with a file that must stay secret, or that proves who someone is."""

from __future__ import annotations


class SecretError(Exception):
    """A certificate, key or secret cannot be used; the message names the file."""
