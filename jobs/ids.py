"""The ids of jobs, and when they were made."""

import base64
import secrets
import time

from superscaling.errors import JobUnknown

LENGTH = 26
DIGITS = frozenset("0123456789abcdefghijklmnopqrstuv")


def new_id() -> str:
    """An id of 26 characters: in the order of time, to the millisecond, and not to be guessed (80 random bits)."""
    data = int(time.time() * 1000).to_bytes(6) + secrets.token_bytes(10)
    return base64.b32hexencode(data).decode().rstrip("=").lower()


def is_id(text: str) -> bool:
    """Whether `new_id` may have made it. Nothing else becomes a part of a key."""
    return len(text) == LENGTH and DIGITS.issuperset(text)


def time_of(job_id: str) -> float:
    """When an id was made, in seconds since 1970."""
    return int.from_bytes(base64.b32hexdecode(f"{job_id.upper()}======")[:6]) / 1000


def unknown(job_id: str) -> JobUnknown:
    """The error for a job that is not there, or not for whoever asks. (To be raised.)"""
    return JobUnknown(f"there is no job {job_id[:LENGTH]!r}")
