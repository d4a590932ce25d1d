"""The client of a running daemon: for `nxscribe scan`, for the integrations, and for scripts.

It imports only what it needs, and PyTango not before the first command, so that a control system can load it at once.

- `answers`: what the daemon answers to a trigger
"""

from nxscribe.client._device_line import ClientError, CommandFailedError
from nxscribe.client._scribe_client import ScribeClient
from nxscribe.client.answers import Answer

__all__ = ["Answer", "ClientError", "CommandFailedError", "ScribeClient"]
