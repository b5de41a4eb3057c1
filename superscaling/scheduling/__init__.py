"""Turns, deadlines and admission: who may use the network, when, and for how long."""

from superscaling.scheduling.admission import Admission, AdmittedPicture, Cheaper, Demand, Pace
from superscaling.scheduling.budget import NO_BUDGET, Budget
from superscaling.scheduling.deadline import Deadline
from superscaling.scheduling.fair_lock import FairLock
from superscaling.scheduling.progress import NO_LISTENER, NoListener, Plan, ProgressListener
from superscaling.scheduling.speed import Speed
from superscaling.scheduling.timings import SPANS, Timings

__all__ = [
    "NO_BUDGET",
    "NO_LISTENER",
    "SPANS",
    "Admission",
    "AdmittedPicture",
    "Budget",
    "Cheaper",
    "Deadline",
    "Demand",
    "FairLock",
    "NoListener",
    "Pace",
    "Plan",
    "ProgressListener",
    "Speed",
    "Timings",
]
