"""Machines of the cluster's kill test: they reach each other, can be cut off, and leave nothing behind."""

import socket
import subprocess
import sys

import pytest

from loadtest.machines import machines, why_not

LISTEN = """
import socket, sys
listening = socket.create_server((sys.argv[1], 7000))
print("listening", flush=True)
while True:
    listening.accept()[0].close()
"""


def reaches(host: str, within_s: float) -> bool:
    try:
        with socket.create_connection((host, 7000), within_s) as there:
            return there.recv(1) == b""
    except OSError:
        return False


@pytest.mark.system
def test_a_machine_is_reached_until_its_link_is_cut_and_again_when_it_is_mended() -> None:
    refused = why_not()
    if refused is not None:
        assert "ip" in refused  # said in words; there is nothing more to try on such a machine
        return
    with machines(["one"]) as [one]:
        command = [*one.within, sys.executable, "-c", LISTEN, one.host]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as listening:
            try:
                assert listening.stdout is not None
                assert listening.stdout.readline() == b"listening\n"
                assert reaches(one.host, 10.0)
                one.cut()
                assert not reaches(one.host, 0.3)
                one.mend()
                assert reaches(one.host, 10.0)
            finally:
                listening.kill()
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert one.name not in left
