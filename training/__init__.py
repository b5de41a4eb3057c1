"""Training the project's own network; the service imports nothing of this."""
