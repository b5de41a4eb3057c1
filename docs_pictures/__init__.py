"""Makes the pictures and tables of the documents. The service imports nothing of this."""
