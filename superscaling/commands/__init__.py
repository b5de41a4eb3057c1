"""Commands for the shell: `python -m superscaling.commands.NAME`."""
