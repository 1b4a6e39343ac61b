"""Deployments: artifacts that serve under a name on Triton."""
