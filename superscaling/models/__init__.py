"""Networks and their files: which there are, where they lie, whether they are what they have to be."""
