"""Supervised threads and processes, and the clock that they use.

A `SupervisedThread` and a `WorkerProcess` are parts of the daemon that a `Supervisor` watches and starts again.
`PythonProcess` is a child process that is not supervised.

- `logger`: loggers that cost nothing until they log
- `worker_process`: both sides of a worker process: its parent's, and that of its program, which calls `serve`
"""

from nxscribe.runtime._clock import SYSTEM_CLOCK, Clock
from nxscribe.runtime._python_process import PythonProcess
from nxscribe.runtime._supervision import SupervisedPart, SupervisedThread, Supervisor
from nxscribe.runtime.worker_process import WorkerProcess, WorkerProcessError

__all__ = [
    "SYSTEM_CLOCK",
    "Clock",
    "PythonProcess",
    "SupervisedPart",
    "SupervisedThread",
    "Supervisor",
    "WorkerProcess",
    "WorkerProcessError",
]
