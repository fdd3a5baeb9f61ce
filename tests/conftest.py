"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# A machine that is busy for a moment is no failure of what is tested: no example is held to a time.
settings.register_profile("naru", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("naru")
