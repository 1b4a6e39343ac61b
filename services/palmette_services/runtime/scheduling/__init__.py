"""Which job runs when, and what becomes of it."""
