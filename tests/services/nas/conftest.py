"""The service itself, in a process of its own."""

from tests.services.domain_service import service_fixture

service = service_fixture("nas")
