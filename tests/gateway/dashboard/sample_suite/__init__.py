"""A small suite with sample data: real gRPC servers that keep everything in memory."""
