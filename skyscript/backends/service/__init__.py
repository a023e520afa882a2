"""What every backend of a remote service shares: retries, quotas, a circuit breaker."""
