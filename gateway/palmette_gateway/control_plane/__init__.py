"""The gateway's own gRPC services: health, tokens, and jobs and plugins over all services."""
