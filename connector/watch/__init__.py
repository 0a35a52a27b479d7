"""Floor 6: what watches the connector itself: alerts on change of state, metrics, health and readiness."""
