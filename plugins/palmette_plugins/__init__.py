"""Palmette methods, models and data as plugins."""
