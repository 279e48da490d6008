"""What every test shares: how hypothesis searches, and nothing else. Fixtures live beside the tests that use them.

A property that fails prints the blob that reproduces it. Deadlines are off (the machine may be busy: a slow example
is not a wrong one), and examples are drawn from the same seed on every machine, so that red means red for everybody;
`--hypothesis-profile=search` looks elsewhere each time, with 25 times the examples.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    max_examples=40,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("house"), derandomize=False, max_examples=1_000)
settings.load_profile("house")
