"""The gateway of Palmette: Envoy's configuration, aggregated calls, dashboard."""
