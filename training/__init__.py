"""Training of the project's own networks. The service does not import this package."""
