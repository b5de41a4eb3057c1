"""Training of plain networks, on PyTorch."""
