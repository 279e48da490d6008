"""Token buckets by key (an address, a user), as many as fit.

Invariant: at most `keys_max` buckets. When a new key needs room, the one used longest ago is forgotten; it would be
full again by then unless somebody spends `keys_max` addresses faster than they refill, and who can do that is not
stopped by counting addresses.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from chat.quota import Quota


class Quotas:
    """One rate for many keys."""

    def __init__(self, rate_per_s: float, burst: int, keys_max: int = 10_000) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._keys_max = keys_max
        self._quotas: OrderedDict[str, Quota] = OrderedDict()
        self.refused = 0

    def take(self, key: str, now_s: float) -> int:
        """0 when one use was spent, otherwise milliseconds until there is one."""
        quota = self._quotas.get(key)
        if quota is None:
            if len(self._quotas) >= self._keys_max:
                self._quotas.popitem(last=False)
            quota = self._quotas[key] = Quota.full(self._rate_per_s, self._burst, now_s)
        self._quotas.move_to_end(key)
        wait_ms = quota.take(now_s)
        self.refused += wait_ms > 0
        return wait_ms

    def __len__(self) -> int:
        return len(self._quotas)


def address_key(host: str) -> str:
    """One bucket for one customer of a network: an IPv4 address, or the /64 that IPv6 gives to every household."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return host
