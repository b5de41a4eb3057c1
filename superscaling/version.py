"""The version of service and package."""

__version__ = "0.1.0"
