"""The domain of a room: what may be said, what was said, in which order. Knows no transport, no store, no clock."""
