"""Enlarges pictures; knows no HTTP. Each room has its own public list; importing this package imports none of them."""

__all__ = [
    "assembly",  # settings -> everything that enlarges
    "commands",  # prepare, bake, convert, health
    "conversion",  # weights -> OpenVINO IR, offline
    "engines",  # the interface to OpenVINO and TensorFlow
    "enlarging",  # pictures through the network, tile by tile
    "errors",  # every error raised on purpose
    "format_name",  # the names of image formats
    "geometry",  # boxes and costs
    "logs",  # log configuration
    "models",  # the table, files and acceptance of models
    "pictures",  # image files <-> arrays
    "scheduling",  # admission, turns, deadlines, speed
    "settings",  # every setting, read from the environment
    "size_choice",  # which size a result gets
]
