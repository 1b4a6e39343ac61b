"""``python -m palmette_services.serving`` runs the service until SIGTERM."""

from __future__ import annotations

from palmette_services.runtime.app import run_service
from palmette_services.serving.service import MIGRATIONS, NAME, extend
from palmette_services.serving.settings import ServingSettings


def main() -> None:
    """Run the service."""
    run_service(NAME, ServingSettings.from_environment(), extend, migrations=[MIGRATIONS])


if __name__ == "__main__":
    main()
