"""The resources behind the routes, built once, when this module is imported."""

from resource_estimate import ResourceEstimate
from resource_ping import ResourcePing
from resource_ready import ResourceReady
from resource_upscale import ResourceUpscale
from superscaling.assembly import assemble
from superscaling.settings import read_settings

settings = read_settings()
parts = assemble(settings)
upscaler = parts.upscaler
facts = upscaler.facts
sha256 = parts.sha256
admission = parts.admission

ping = ResourcePing()
ready = ResourceReady(upscaler)
upscale = ResourceUpscale(parts.picture_upscaler, admission, parts.limits, settings.quality, parts.decoders)
estimate = ResourceEstimate(parts.picture_upscaler, admission, parts.limits, settings.timeout, settings.stream_timeout)
