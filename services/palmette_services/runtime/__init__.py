"""What every service stands on: jobs, workers, database, gRPC server, health, metrics, logs."""
