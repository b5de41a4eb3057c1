"""What OpenVINO, or another framework, says of an error, in one line."""


def last_line(exc: Exception) -> str:
    """The last line of an error: OpenVINO's first lines name places in its own code."""
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return lines[-1] if lines else type(exc).__name__
