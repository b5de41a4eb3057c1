"""The resources behind the routes, built once, when this module is imported."""

from resource_estimate import ResourceEstimate
from resource_models import ResourceModels
from resource_ping import ResourcePing
from resource_ready import ResourceReady
from resource_upscale import ResourceUpscale
from superscaling.assembly import assemble
from superscaling.settings import read_settings
from superscaling.tracing import start_tracing

settings = read_settings()
start_tracing(settings, "image-super-scaling")
parts = assemble(settings)
models = parts.models
admission = parts.admission

ping = ResourcePing()
ready = ResourceReady(models)
models_list = ResourceModels(models)
upscale = ResourceUpscale(models, admission, parts.limits, settings.quality, parts.decoders)
estimate = ResourceEstimate(models, admission, parts.limits, settings.timeout, settings.stream_timeout)
