"""The HTTP edge: everything around the routes that knows Flask or gunicorn."""
