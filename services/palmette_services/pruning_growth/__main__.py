"""``python -m palmette_services.pruning_growth``."""

from palmette_services.runtime.app import run_service
from palmette_services.runtime.settings import ServiceSettings

if __name__ == "__main__":
    run_service("pruning_growth", ServiceSettings())
