"""Loggers that cost nothing until they log.

structlog is imported with the first line, which most commands never log. It would import rich as well, and its
highlighter, to show trace backs in colours. nxscribe does not show them so, and a daemon would hold them all its life.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


class _Logger:
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method of structlog's logger
        return getattr(structlog().get_logger(), name)


def get_logger() -> FilteringBoundLogger:
    """A logger, for a module: it has structlog's methods `info`, `warning`, `error`, `exception`."""
    return cast("FilteringBoundLogger", _Logger())


@cache
def structlog() -> ModuleType:
    """The library, without rich."""
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]  # None says that there is none
    is_hidden = modules.setdefault("rich", None) is None
    try:
        import structlog  # noqa: PLC0415 - see above
    finally:
        if is_hidden:
            del modules["rich"]
    return structlog
