"""Benchmarks of speed, memory and load. The service does not import this package."""
