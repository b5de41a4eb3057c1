"""Who may use the network when, and until when."""
