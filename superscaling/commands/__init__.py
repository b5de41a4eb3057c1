"""What is run from a shell: `python -m superscaling.commands.NAME`."""
