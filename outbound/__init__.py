"""Connections that the service opens to addresses that others name: those of images, and those of webhooks."""
