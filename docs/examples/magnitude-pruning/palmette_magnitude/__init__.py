"""Magnitude pruning as a Palmette method from outside the suite."""
