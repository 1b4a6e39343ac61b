"""The serving service: the artifact registry, and deployments on Triton."""
