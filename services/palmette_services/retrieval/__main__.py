"""``python -m palmette_services.retrieval`` runs the service until SIGTERM."""

from __future__ import annotations

from palmette_services.runtime.app import run_service
from palmette_services.runtime.settings import ServiceSettings

NAME = "retrieval"

if __name__ == "__main__":
    run_service(NAME, ServiceSettings.from_environment())
