"""Pictures to larger pictures."""
