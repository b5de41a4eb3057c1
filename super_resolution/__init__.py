"""Single-image super-resolution: numpy in, numpy out. Knows no HTTP, no file formats, no environment."""
