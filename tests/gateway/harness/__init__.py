"""Real parts for the gateway's tests: Envoy, the control plane, and small gRPC servers behind them."""
