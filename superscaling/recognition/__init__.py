"""What a file is, by its first bytes: a format that is read, or another one by its name. Needs no package."""
