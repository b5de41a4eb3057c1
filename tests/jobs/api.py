"""Takes jobs as the service does: each line of standard input is an Idempotency-Key and the path of a picture.

Answers with the id of the job once it is accepted, or with `refused`.
"""

import hashlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from jobs.assembly import open_ledger
from jobs.engine_celery import CeleryEngine
from jobs.queues import queue_named
from jobs.records import Job
from superscaling.assembly import identify_models
from superscaling.errors import ServiceError
from superscaling.format_name import FormatName
from superscaling.settings import read_settings
from superscaling.upscale_options import UpscaleOptions

settings = read_settings()
ledger = open_ledger(settings)
engine = CeleryEngine(settings, ledger)
model = identify_models(settings)[0]


def submit(key: str, source: bytes) -> str:
    """Take a job; the one that is there, if the key was used before."""
    job_id, claim = ledger.claim("", key, hashlib.sha256(source).hexdigest())
    if ledger.is_accepted(job_id):
        return job_id
    job = Job(
        job_id,
        "",
        time.time(),
        UpscaleOptions(model=model.name),
        queue_named(model),
        FormatName("png"),
        pixels=1,
        key=claim,
        request_id=key,
    )
    ledger.add(job, source)
    engine.submit(job)
    ledger.accept(job_id)
    return job_id


for line in sys.stdin:
    key, path = line.split()
    try:
        answer = submit(key, Path(path).read_bytes())
    except ServiceError as exc:
        sys.stderr.write(f"{key} refused: {exc}\n")
        answer = "refused"
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()
