"""What the dashboard reads and changes, as the SDK's types; nothing of gRPC leaves this package."""
