"""Test collections: passages, queries, and judgements of which passage answers which query."""
