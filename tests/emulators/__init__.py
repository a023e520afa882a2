"""Local servers that speak as the real services do, for tests and benchmarks."""
