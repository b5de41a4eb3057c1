"""Measuring and looking; the service imports nothing of this."""
