"""A value in a JSON document from a web server, such as the title of a proposal, or the storage place of a sample."""

from __future__ import annotations

import http
import importlib.util
import ipaddress
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import msgspec
from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field

from nxscribe.errors import InputError, Problem, Severity
from nxscribe.model import Reading, now, texts
from nxscribe.model.arrays import exact_value
from nxscribe.sources._connection import (
    NO_SCAN,
    SCAN_NAMES,
    Address,
    Connection,
    DeferredReadings,
    Endpoint,
    RequestError,
    ScanNames,
    SourceError,
)
from nxscribe.sources._kind import Connector, Origin, SourceKind

if TYPE_CHECKING:
    import urllib3

_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = 3
"""How many redirects within one host are followed."""
_CHUNK: Final = 1 << 16
_LEAST_S: Final = 0.005
_HOST: Final = r"^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d+)?$"
_FORM: Final = "write it as in https://host/path/{proposal}"
_NEEDED: Final = ("urllib3", "jmespath")


class HttpForm(BaseModel):
    """A value in a JSON document on a web server."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    url: str = Field(
        min_length=1,
        description="The document's URL. In its path and query stand `{proposal}`, `{beamline}`, `{sample}`, `{scan}`, "
        "`{technique}`: the scan's names. Its host is one of `http.hosts`.",
    )
    path: str = Field(
        default="",
        description="Where the value is in the document, as a JMESPath expression: `title`, `team[*].name`, "
        "`samples[0].holder.position`. Empty: the document is the value itself.",
    )


class HttpSection(BaseModel):
    """Web servers that sources of the kind `http` may ask."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    hosts: list[Annotated[str, Field(pattern=_HOST)]] = Field(
        default=[],
        description="The hosts that may be asked, `host` or `host:port`. No other host is asked, also where an answer "
        "redirects to it.",
    )
    token_files: dict[str, str] = Field(
        default={},
        description="By host, as in `hosts`: the file that has the token to send to it (`Authorization: Bearer …`), "
        "relative to the config. It is read at each request, so that a new token needs no reload.",
    )
    max_kb: Annotated[float, Field(gt=0, le=100_000)] = Field(
        default=1000.0, description="An answer that is longer is refused, in kilobytes."
    )


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The servers to which requests can be sent, and the settings for them."""

    hosts: tuple[str, ...] = ()
    """Each as `host:port`, or as `host` for the ports of HTTP and HTTPS."""
    token_files: tuple[tuple[str, Path], ...] = ()
    max_bytes: int = 1_000_000

    def token_file(self, host: str) -> Path | None:
        """The file with the token for a host, as the config names hosts."""
        return next((path for name, path in self.token_files if name == host), None)


@dataclass(frozen=True, slots=True)
class HttpSource(Origin):
    """A value in a JSON document on a web server."""

    kind: ClassVar[str] = "http"

    url: str
    path: str = ""
    """A JMESPath expression."""

    def in_words(self) -> str:
        """The document, and where the value is in it."""
        return f"{self.url} {self.path}".rstrip()

    @property
    def names(self) -> tuple[str, ...]:
        """The URL of the document. It is requested once for all sources that have values in it."""
        return (self.url,)

    def converted(self, reading: Reading) -> Reading:
        """The value in the document that was read."""
        if reading.value is None:
            return reading
        source = f"{reading.source} {self.path}".rstrip()
        try:
            value = _value(_found(str(reading.value), self.path))
        except ValueError as error:
            why = Problem(f"{source} has no value", str(error), "correct the path in the source")
            return Reading(source, reading.time, error=why.explanation)
        return structs.replace(reading, source=source, value=value)


class HttpKind(SourceKind):
    """Values in JSON documents on web servers."""

    key = "http"
    rank = 7
    annotation = HttpForm
    description = (
        "A value in a JSON document on a web server, such as the proposal's title: `url`, which may have the scan's "
        "names in it, and `path`, where the value is in the document."
    )
    synonyms = ("url", "rest", "json", "https")
    plural = "JSON over HTTP"
    keeps_fresh = True
    section = "http"
    section_form = HttpSection
    peer = "server"

    def origin(self, given: Any, written: object) -> HttpSource:  # noqa: ANN401 - declared by SourceKind
        """The value at a path of a document."""
        del written
        return HttpSource(given.url, given.path)

    def settings(self, section: BaseModel | None, config: Path) -> HttpSettings:
        """The hosts, with the paths of their tokens."""
        if not isinstance(section, HttpSection):
            return HttpSettings()
        folder = config.parent
        tokens = tuple((host.lower(), folder / Path(path).expanduser()) for host, path in section.token_files.items())
        hosts = tuple(host.lower() for host in section.hosts)
        return HttpSettings(hosts, tokens, round(section.max_kb * 1000))

    def check(self, origin: Origin, settings: object) -> Iterator[Problem]:
        """Whether the config lists the host, the URL and the path are well formed, and the libraries are installed."""
        if not isinstance(origin, HttpSource) or not isinstance(settings, HttpSettings):
            return
        try:
            _address(origin.url, settings)
        except InputError as error:
            yield from error.problems
        if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
            yield Problem(
                "sources of the kind `http` cannot be read here",
                f"{' and '.join(missing)} is not installed",
                "install nxscribe[http]",
                severity=Severity.WARNING,
            )
        elif why := _path_problem(origin.path):
            yield Problem(
                f"{origin.path!r} is not a JMESPath expression", why, "write it as in `title`, `team[*].name`"
            )

    def connector(self, settings: object) -> Connector:
        """Connections to the hosts that the config names."""
        return _HttpConnector(settings if isinstance(settings, HttpSettings) else HttpSettings())


class _HttpConnector(Connector):
    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings

    def address(self, name: str) -> Address:
        return _address(name, self._settings)

    def connect(self, endpoint: Endpoint) -> Connection:
        return HttpConnection(endpoint.name, self._settings)


class HttpConnection(Connection):
    """Blocking requests to one server. An address's reading is the whole document, as a text."""

    def __init__(self, server: str, settings: HttpSettings) -> None:
        """`server` is a scheme, a host and a port: `https://host:443`."""
        self.name = server
        self._settings = settings
        self._pool: urllib3.PoolManager | None = None

    def read(
        self,
        addresses: Sequence[Address],
        timeout_s: float,
        *,
        scan: ScanNames = NO_SCAN,
        asks_units: bool = False,
    ) -> DeferredReadings:
        """The documents, one after another. If the server answers with an error, only that document is missing."""
        del asks_units
        until = time.monotonic() + timeout_s
        readings = {address: self._document(address, scan, until) for address in addresses}
        return DeferredReadings(lambda: readings)

    def close(self) -> None:
        """Close the connections."""
        if self._pool:
            self._pool.clear()

    def _document(self, address: Address, scan: ScanNames, until: float) -> Reading:
        url = _filled(address.member, scan)
        if {".", ".."} & {scan[name] for name in address.scan_names}:
            problem = Problem(f"{url} was not read", "a name of the scan leads to another folder", "correct that name")
            return Reading(url, now(), error=problem.explanation)
        try:
            return Reading(url, now(), texts(self._text(url, until)))
        except _RefusedError as error:
            problem = Problem(f"{url} could not be read", str(error), error.remedy)
            return Reading(url, now(), error=problem.explanation)

    def _text(self, url: str, until: float) -> str:
        """The text at a URL. Raises _RefusedError for an answer that cannot be used."""
        for _ in range(_REDIRECTS + 1):
            with self._answer(url, until) as answer:
                if answer.status in (301, 302, 303, 307, 308):
                    url = self._redirected(url, answer.headers.get("Location", ""))
                    continue
                if answer.status != http.HTTPStatus.OK:
                    raise _RefusedError(
                        f"the server answered {_status(answer.status)}", _REMEDIES.get(answer.status, "")
                    )
                data = self._data(answer, until)
            try:
                return data.decode()
            except UnicodeDecodeError:
                raise _RefusedError(
                    "the answer is not UTF-8 text", "see whether it is the URL of a JSON document"
                ) from None
        raise _RefusedError(f"it redirects more than {_REDIRECTS} times", "write the URL that it leads to")

    def _answer(self, url: str, until: float) -> urllib3.BaseHTTPResponse:
        import urllib3  # noqa: PLC0415 - it is an extra, needed when a source is read

        if self._pool is None:
            self._pool = urllib3.PoolManager(num_pools=1, maxsize=1, retries=False)
        left_s = max(_LEAST_S, until - time.monotonic())
        try:
            return self._pool.request(
                "GET",
                url,
                headers={"Accept": "application/json", **self._authorization(url)},
                timeout=urllib3.Timeout(total=left_s),
                redirect=False,
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise self._failed(error) from None

    def _data(self, answer: urllib3.BaseHTTPResponse, until: float) -> bytes:
        import urllib3  # noqa: PLC0415 - it is an extra, needed when a source is read

        data = bytearray()
        try:
            for chunk in answer.stream(_CHUNK):
                data += chunk
                if len(data) > self._settings.max_bytes:
                    answer.close()
                    limit = f"{self._settings.max_bytes / 1000:g} kB"
                    raise _RefusedError(f"the answer is longer than {limit}", "ask for less, or raise http.max_kb")
                if time.monotonic() > until:
                    answer.close()
                    raise self._slow()
        except urllib3.exceptions.HTTPError as error:
            answer.close()
            raise self._failed(error) from None
        return bytes(data)

    def _redirected(self, url: str, location: str) -> str:
        target = urljoin(url, location)
        if _server(urlsplit(target)) != self.name:
            raise _RefusedError(
                f"it redirects to another server, {_server(urlsplit(target))}",
                "write the URL that it leads to, if that server is to be asked",
            )
        return target

    def _authorization(self, url: str) -> dict[str, str]:
        path = self._settings.token_file(_known_host(urlsplit(url), self._settings))
        if path is None:
            return {}
        try:
            token = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not a text"
            raise _RefusedError(f"its token cannot be read from {path}: {reason}", "see http.token_files") from None
        if not token or not token.isascii() or not token.isprintable():
            raise _RefusedError(f"{path} holds no token", "see http.token_files")
        return {"Authorization": f"Bearer {token}"}

    def _failed(self, error: urllib3.exceptions.HTTPError) -> SourceError:
        import urllib3  # noqa: PLC0415 - it is an extra, needed when a source is read

        if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(
            error, urllib3.exceptions.NewConnectionError
        ):
            return self._slow()
        if isinstance(error, urllib3.exceptions.SSLError):
            why, remedy = f"its certificate is not accepted: {error}", "see the server's certificate, and this host's"
        elif isinstance(error, urllib3.exceptions.NameResolutionError):
            why, remedy = "its name is not known", "correct the host in the URL, or see the name service"
        elif isinstance(error, urllib3.exceptions.NewConnectionError):
            why, remedy = (
                "nothing accepts connections there",
                "see whether the server runs, and a firewall lets it through",
            )
        else:
            why, remedy = f"the connection broke: {type(error).__name__}", "see the server's log"
        return SourceError(Problem(f"the server {self.name} could not be asked", why, remedy).explanation)

    def _slow(self) -> RequestError:
        why, remedy = "it did not answer in time", "see the server, or give it more time: timeout_s, limits.deadline_s"
        return RequestError(Problem(f"the server {self.name} could not be asked", why, remedy).explanation, slow=True)


_REMEDIES: Final[Mapping[int, str]] = {
    401: "give the host a token: http.token_files",
    403: "see what the token in http.token_files permits",
    404: "see whether the server knows this proposal or sample, and correct the URL",
}


class _RefusedError(Exception):
    """An answer that cannot be used. The server itself can still be used."""

    def __init__(self, why: str, remedy: str = "see the server's log") -> None:
        super().__init__(why)
        self.remedy = remedy


def _status(number: int) -> str:
    try:
        return f"{number} {http.HTTPStatus(number).phrase}"
    except ValueError:
        return str(number)


def _address(url: str, settings: HttpSettings) -> Address:
    """The address of a URL with names in braces. Raises InputError for an unlisted host, and for an invalid URL."""
    try:
        parts = urlsplit(url)
        names = tuple(dict.fromkeys(name for _, name, *_ in Formatter().parse(url) if name is not None))
        server = _server(parts)
    except ValueError as error:
        raise InputError(
            Problem(f"{url!r} is not a URL", str(error), "write it as in https://host/path/{proposal}")
        ) from None
    if parts.scheme not in _PORTS or not parts.hostname:
        why = "it does not begin with http:// or https:// and a host"
        raise InputError(Problem(f"{url!r} is not a URL", why, _FORM))
    if parts.username is not None or parts.password is not None:
        remedy = "put the token into a file, and name that in http.token_files"
        raise InputError(Problem("the URL holds a user's name or a password", "it would be written into logs", remedy))
    if "{" in parts.netloc:
        raise InputError(Problem(f"{url!r} has a name of the scan in its host", "hosts are fixed", "write the host"))
    if unknown := [name for name in names if name not in SCAN_NAMES]:
        known = ", ".join(f"{{{name}}}" for name in SCAN_NAMES)
        raise InputError(Problem(f"{url!r} has {{{unknown[0]}}} in it", f"a scan has the names {known}", "use these"))
    host = _known_host(parts, settings)
    if not host:
        listed = ", ".join(settings.hosts) or "none"
        why = f"the config lists {listed} in http.hosts"
        raise InputError(Problem(f"{parts.netloc} may not be asked", why, f"add {parts.netloc} to http.hosts"))
    if parts.scheme == "http" and settings.token_file(host) and not _is_loopback(parts.hostname):
        remedy = "write https://, or remove the host from http.token_files"
        raise InputError(Problem(f"{url} is not asked", "its token would be sent for all to read", remedy))
    return Address(Endpoint(HttpKind.key, server), url, url, scan_names=names)


def _known_host(parts: SplitResult, settings: HttpSettings) -> str:
    """The host as the config lists it; empty where it is not listed."""
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = parts.port or _PORTS.get(parts.scheme, 0)
    names = (f"{host}:{port}", *([host] if port in _PORTS.values() else []))
    return next((name for name in names if name in settings.hosts), "")


def _server(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _filled(url: str, scan: ScanNames) -> str:
    """The URL with the scan's names, each as one part of a path or one value of a query."""
    return url.format(**{name: quote(text, safe="") for name, text in scan.items()})


def _path_problem(path: str) -> str:
    import jmespath  # noqa: PLC0415 - it is an extra

    try:
        if path:
            jmespath.compile(path)
    except jmespath.exceptions.JMESPathError as error:
        return str(error).partition("\n")[0]
    return ""


def _found(text: str, path: str) -> object:
    """The value at a path of a document. Raises ValueError if there is none."""
    import jmespath  # noqa: PLC0415 - it is an extra, needed when a source is read

    try:
        document: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"the answer is not JSON: {error}") from None
    try:
        found: object = jmespath.search(path, document) if path else document
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"the path does not fit the answer: {error}") from None
    if found is None:
        raise ValueError(f"the answer has nothing there; it has {_keys(document)}")
    return found


def _value(found: object) -> Any:  # noqa: ANN401 - an array of any type
    """Raises ValueError for what is neither a text nor a number, nor a list of either."""
    if isinstance(found, dict):
        raise ValueError(f"the answer has an object there, with {_keys(found)}")  # noqa: TRY004 - a fault of the data
    if isinstance(found, list) and not all(isinstance(one, str | int | float) for one in found):
        raise ValueError("the answer has a list there whose members are neither texts nor numbers")
    if found == []:
        raise ValueError("the answer has an empty list there")
    return exact_value(found)


def _keys(document: object) -> str:
    if isinstance(document, dict):
        return f"the keys {', '.join(map(str, list(document)[:12]))}" if document else "no keys"
    return f"a list of {len(document)}" if isinstance(document, list) else "a value that is not an object"
