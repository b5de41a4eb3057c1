"""Who may use the network when, and until when."""

from superscaling.scheduling.admission import Admission, AdmittedPicture
from superscaling.scheduling.deadline import Aside, Work
from superscaling.scheduling.fair_lock import FairLock
from superscaling.scheduling.speed import Speed

__all__ = [
    "Admission",
    "AdmittedPicture",
    "Aside",
    "FairLock",
    "Speed",
    "Work",
]
