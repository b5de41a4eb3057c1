"""The command line: enlarges files, folders and pipes, in this process or through a running service."""
