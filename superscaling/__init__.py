"""Single-image super-resolution: pictures in, larger pictures out. Knows no HTTP."""
