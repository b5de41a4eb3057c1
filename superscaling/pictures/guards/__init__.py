"""A look at a file before a decoder sees it: small files can cost a decoder hours."""
