from tests.support.engine import embedded_engine

__all__ = ["embedded_engine"]
