"""Text into another language: detect, mask, split, batch, translate, guard. Knows models, knows no socket."""
