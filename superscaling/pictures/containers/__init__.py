"""The files that hold several pictures or chunks: GIF, APNG, TIFF, and the chunks of PNG and WebP."""
