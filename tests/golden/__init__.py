"""The bytes of version 1 of the protocol, one example of everything, in both codecs."""
