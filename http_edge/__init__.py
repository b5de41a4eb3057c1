"""The HTTP edge: everything that knows Flask, but for the routes themselves."""
