"""Generators of the images and tables in the documentation. The service does not import this package."""
