"""Webhooks: `deliverer` tells programs outside what happens in rooms, `operations` is how administrators say which.

What is told, and how it is signed, stands in `chat.hooks`; docs/webhooks.md is for those who receive.
"""
