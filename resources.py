"""The resources: everything is built here, once, when this module is imported."""

from resource_estimate import ResourceEstimate
from resource_ping import ResourcePing
from resource_ready import ResourceReady
from resource_upscale import ResourceUpscale
from superscaling.assembly import assemble
from superscaling.models import weights_of
from superscaling.settings import read_settings

settings = read_settings()
parts = assemble(settings)
upscaler = parts.upscaler
facts = upscaler.facts
sha256 = weights_of(settings).sha256
admission = parts.admission

ping = ResourcePing()
ready = ResourceReady(upscaler)
upscale = ResourceUpscale(parts.picture_upscaler, admission, parts.limits, settings.quality)
estimate = ResourceEstimate(parts.picture_upscaler, admission, parts.limits, settings.timeout, settings.stream_timeout)
