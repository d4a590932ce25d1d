"""Checks and previews of a config and its definitions.

- `compiling`: compiles all techniques, and collects the problems
- `examine`: everything that `nxscribe check` reports
- `preview`: the tree that a technique will write
- `preview_live`: with present values
- `preview_entry`: the program of the process that makes the entry of a live preview
"""
