"""How a model is shown, wherever it is."""


def offered(has_strength: bool) -> str:
    """Whether a model has strength."""
    return "0 to 1" if has_strength else ""


def marked(name: str, is_default: bool) -> str:
    """Its name, and whether it is the default."""
    return f"{name} (default)" if is_default else name
