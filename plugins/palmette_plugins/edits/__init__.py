"""Edits: registered structural changes, one a file."""
