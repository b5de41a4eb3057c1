"""Metadata: read from files, corrected for the upright and for the enlarged picture, and written."""
