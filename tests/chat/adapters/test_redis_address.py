"""Addresses as operators write them; a wrong one is never repeated, for there may be a password in it."""

import pytest

from chat.adapters.redis_address import Address
from chat.adapters.redis_engine import RedisEngine


def test_addresses_are_read_as_operators_write_them() -> None:
    assert Address.parse("redis://h") == Address(host="h")
    assert Address.parse("redis://u:p%40@h:7/2") == Address("h", 7, None, "u", "p@", 2)
    assert Address.parse("redis://:p@h").password == "p"
    assert Address.parse("unix:///a%20b/s?db=3") == Address(socket_path="/a b/s", database=3)
    tls = Address.parse("rediss://h").tls
    assert tls is not None
    assert tls.check_hostname
    unverified = Address.parse("rediss://h?ssl_cert_reqs=none").tls
    assert unverified is not None
    assert not unverified.check_hostname


@pytest.mark.parametrize(
    "url", ["", "http://h", "redis://h:port:secret", "secret", "redis://:secret@h?db=x", "redis://:secret@h?colour=red"]
)
def test_a_wrong_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="Redis URL") as caught:
        Address.parse(url)
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="Redis URL") as caught:
        RedisEngine(url)
    assert "secret" not in str(caught.value)
