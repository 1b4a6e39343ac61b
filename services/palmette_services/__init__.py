"""The gRPC services of Palmette."""
