"""``python -m palmette_test_service``."""

from palmette_services.runtime.app import run_service
from palmette_services.runtime.settings import ServiceSettings

if __name__ == "__main__":
    run_service("testing", ServiceSettings.from_environment())
