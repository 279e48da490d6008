"""A process holding sockets: who is connected, what they are owed, and how the log reaches them."""
