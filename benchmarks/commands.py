"""The processor time of commands: `nxscribe check` of a config, and with `--file` `nxscribe validate` of a master file.

    python benchmarks/commands.py [--base PYTHON] [--file MASTER] [--config configs/sim.yaml] [--repeat 11]

With `--base`, the Python of an environment with another build, both builds take turns. Each command is a process of its
own; its time is that of user and system together. Printed are medians in ms, and the ratio to the base's. The demo
makes a master file with five entries: `nxscribe demo --output DIR`.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", help="the Python of an environment with another build")
    parser.add_argument("--config", type=Path, default=Path(__file__).parent.parent / "configs" / "sim.yaml")
    parser.add_argument("--file", type=Path, help="a master file")
    parser.add_argument("--repeat", type=int, default=11)
    given = parser.parse_args()
    pythons = {"this": sys.executable} | ({"base": given.base} if given.base else {})
    commands = {"check": given.config} | ({"validate": given.file} if given.file else {})
    for command, what in commands.items():
        took: dict[str, list[float]] = {build: [] for build in pythons}
        for number in range(-1, given.repeat):
            for build in list(pythons)[:: 1 if number % 2 else -1]:
                spent_s = used_s([pythons[build], "-m", "nxscribe", command, str(what)])
                if number >= 0:  # the first may have to compile Python's modules
                    took[build].append(spent_s)
        middle = {build: statistics.median(times) for build, times in took.items()}
        cells = "".join(f"{build} {seconds * 1e3:6.0f} ms   " for build, seconds in middle.items())
        print(f"{command:9}{cells}" + (f"{middle['this'] / middle['base']:.2f}" if given.base else ""))


def used_s(command: list[str]) -> float:
    """The processor time of one command."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
