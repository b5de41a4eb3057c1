"""Counts in Redis or Valkey, which several replicas share."""

from limits.storage import RedisStorage, storage_from_string

from http_edge.access.rates_window import Window

# Lowers a count by at most what it has. A count with less than a window's time left belongs to the window before, as in
# the scripts of `limits`.
GIVE_BACK = b"""
if redis.call('pttl', KEYS[1]) < tonumber(ARGV[2]) then return end
redis.call('decrby', KEYS[1], math.min(tonumber(ARGV[1]), tonumber(redis.call('get', KEYS[1]))))
"""


class SharedRates:
    """Counts for `RatesStore`. Methods raise whatever the connection does, which the first of them opens.

    Args:
        url: of the store, for `limits`.
        seconds: that connecting, and each answer, may take.
    """

    def __init__(self, url: str, seconds: float) -> None:
        storage = storage_from_string(
            url,
            wrap_exceptions=True,
            key_prefix="image-super-scaling",
            socket_connect_timeout=seconds,
            socket_timeout=seconds,
        )
        if not isinstance(storage, RedisStorage):
            raise TypeError(f"{type(storage).__name__} is neither Redis nor Valkey")
        self._storage = storage
        self._give_back = storage.get_connection().register_script(GIVE_BACK)

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int) -> bool:
        """Count `amount`, unless that makes more than `limit` in `expiry` seconds."""
        return self._storage.acquire_sliding_window_entry(key, limit, expiry, amount)

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """What is counted, as `Window`."""
        return self._storage.get_sliding_window(key, expiry)

    def give_back(self, key: str, expiry: int, amount: int) -> Window:
        """Count less: at most what the current window has, as it never has less than nothing."""
        current = self._storage.prefixed_key(self._storage._current_window_key(key))  # which has no public name
        self._give_back([current], [amount, expiry * 1000])
        return Window(*self.get_sliding_window(key, expiry))
