"""What enlarging in this process needs, beyond what asking a service does."""

import importlib.util

from upscale.errors import UsageError

# Import names of the packages of the extra `local` in pyproject.toml.
LOCAL = ("numpy", "openvino", "pi_heif", "PIL", "pydantic", "pyvips")


def require_local_packages() -> None:
    """Make sure that images can be enlarged in this process.

    Raises:
        UsageError: a package is missing; says what to install.
    """
    if missing := [name for name in LOCAL if importlib.util.find_spec(name) is None]:
        raise UsageError(
            f"enlarging here needs {missing[0]}, which is not installed: pip install 'image-super-scaling[local]', or"
            " name a service with --url"
        )
