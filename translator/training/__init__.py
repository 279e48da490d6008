"""From open sentence pairs to a translation package, on one machine: the recipe of the starter.

Nothing here is needed to run a room. PyTorch comes with the extra `diqiucun[train]`; the modules without a tensor in
them (templates, corpus, splitter, card) work and are tested without it. See docs/training.md.
"""
