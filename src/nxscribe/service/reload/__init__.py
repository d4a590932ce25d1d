"""The set of config and definitions in force, and its replacement by a newer valid one.

- `config_store`: keeps the set in force, and reloads it
- `watch`: notices edits
- `loader`: the program of the process that reads the files
- `beamline_files`: reads all files of a beamline as one consistent state
"""
