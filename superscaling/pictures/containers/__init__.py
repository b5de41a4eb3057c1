"""Container formats: GIF, APNG, TIFF, and the chunks of PNG and WebP."""
