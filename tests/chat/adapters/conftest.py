from tests.support.engine import cluster, embedded_engine

__all__ = ["cluster", "embedded_engine"]
