"""The worker: one process that runs one attempt of one job and reports to its service."""
