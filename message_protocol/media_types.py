"""Media types of requests and answers other than image files."""

JSON = "application/json"
FORM = "multipart/form-data"
BYTES = "application/octet-stream"
EVENTS = "text/event-stream"
PROBLEM = "application/problem+json"
