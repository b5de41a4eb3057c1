"""The resources behind the routes, built once, when this module is imported."""

from http_edge.problems import problem_of
from jobs.assembly import assemble_housekeeping, assemble_jobs, assemble_keeping
from outbound.fetching import ImageFetcher
from outbound.hosts import HostList
from outbound.outlet import Outlet
from resource_conversion import ResourceConversion
from resource_estimate import ResourceEstimate
from resource_job_results import ResourceJobResults
from resource_jobs import ResourceJobs
from resource_models import ResourceModels
from resource_ping import ResourcePing
from resource_ready import ResourceReady
from resource_upscale import ResourceUpscale
from superscaling.api_keys_file import ApiKeysFile
from superscaling.assembly import assemble
from superscaling.pictures import sniff
from superscaling.settings import read_settings
from superscaling.tracing import start_tracing

settings = read_settings()
start_tracing(settings, "image-super-scaling")
parts = assemble(settings)
models = parts.models
admission = parts.admission

# None: everybody may use the service.
api_keys = ApiKeysFile(settings.api_keys_file) if settings.api_keys_file else None

ping = ResourcePing()
ready = ResourceReady(models)
models_list = ResourceModels(models)
upscale = ResourceUpscale(models, admission, parts.limits, settings.quality, parts.decoders)
# None: no jobs are taken. Its engine and the housekeeping are started, and stopped, by gunicorn.conf.py.
jobs = assemble_jobs(settings, parts)
job_orders = ResourceJobs(jobs, models, parts.files, HostList("webhook_hosts", settings.webhook_hosts), problem_of)
job_results = ResourceJobResults(job_orders)
# None: results of requests are not kept.
keeping = assemble_keeping(settings, jobs.ledger) if jobs else None
conversion = ResourceConversion(job_orders, job_results, parts.files, admission, parts.limits, keeping)
housekeeping = assemble_housekeeping(settings, jobs.ledger, job_orders.output) if jobs else None
estimate = ResourceEstimate(
    models, admission, parts.limits, settings.timeout, settings.stream_timeout, job_orders.would_take
)
outlet = Outlet(HostList("url_hosts", settings.url_hosts), settings.private_networks)
fetcher = ImageFetcher(outlet, settings.max_body_bytes, settings.read_timeout, lambda head: sniff(head) is not None)
