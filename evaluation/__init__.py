"""How well pictures are enlarged: figures, test pictures, tables. The service imports nothing of this."""
