"""Checks of a file before a decoder reads it: small files can cost a decoder hours."""
