"""The house rules, kept by tests: layers, tables, no strays."""
