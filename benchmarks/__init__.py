"""Measuring and looking; nothing imports this."""
