"""Twelve megapixels through HTTP, by each of the project's plain networks."""

from benchmarks.inputs import POSTER, as_file, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.networks import DEFAULT, OWN
from benchmarks.service import running_service, upscale

MODELS = OWN[:3]
MAX_SECONDS = {"noise-cancel-fast": 6.0, DEFAULT: 10.0}  # on 2 cores with VNNI


def measure() -> str:
    """The section in Markdown."""
    file = as_file(photograph(*POSTER))
    seconds = {}
    with running_service(UPSCALER_MODELS=",".join(MODELS), UPSCALER_TIMEOUT="3600") as service:
        for name in MODELS:
            say(f"a JPEG of {POSTER[1]} x {POSTER[0]} px by {name}")
            seconds[name] = upscale(service.client, file, model=name)[1] / 1000
    targets = (Target(f"12 megapixels by {name}", seconds[name], most, "s") for name, most in MAX_SECONDS.items())
    return (
        f"A JPEG of {POSTER[1]} x {POSTER[0]} px, enlarged to twice its width and height: one request each.\n\n"
        + table(("model", "s"), [(name, f"{each:.1f}") for name, each in seconds.items()])
        + "\n"
        + target_list(targets)
    )
