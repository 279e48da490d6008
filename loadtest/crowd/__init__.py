"""Members of one process of a load test: they walk in, read, write at intended times, vanish, come back.

Started by `loadtest.driver` as `python -m loadtest.crowd`, one for each processor that may be spent. `spec`: what one
process is told. `hearing`: what comes, decoded once for all and counted. `members`: one who reads, one who writes.
`crowd`: all of them on their course. `__main__`: the process and its lines.
"""
