"""Image quality: metrics, test images, tables. The service does not import this package."""
