"""Feed both dialects' readers with mutated definitions for as long as one likes: `make fuzz`.

Coverage guides the mutations (atheris, that is libFuzzer). The first byte chooses the dialect. A reader may take a text
or refuse it with an InputError, within a second; what it took must come back the same from the text that the dialect's
writer makes of it. Each other outcome is kept as a file in FINDINGS, once per place in the code, and the run goes on.

Usage: python tests/fuzz/readers.py CORPUS FINDINGS SEED... -- [libFuzzer options such as -max_total_time=3600]
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import time
import traceback
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["nxscribe", "yaml"]):
    from nxscribe.definitions import Document, read_xml, read_yaml, to_xml, to_yaml
    from nxscribe.errors import InputError

_LIMIT_S = 1.0  # of the processor
_DIALECTS = ((b"x", read_xml, to_xml), (b"y", read_yaml, to_yaml))


class ChangedError(Exception):
    """What was read did not come back from what was written."""


def run(data: bytes) -> None:
    """Read, and write back and read again what can be read. Raises what should not happen."""
    _, read, _ = _DIALECTS[data[0] % 2]
    started = time.process_time()
    try:
        document = read(data[1:], "f")
    except InputError as error:
        str(error)
        return
    finally:
        if time.process_time() - started > _LIMIT_S:
            raise TimeoutError
    for _, again, write in _DIALECTS:
        if shape(again(write(document).encode(), "f")) != shape(document):
            raise ChangedError


def shape(document: Document) -> tuple[str, list[str]]:
    """What must survive: the canonical text, and the includes."""
    return to_xml(Document(document.root)), [include.file for include in document.includes]


def main() -> None:
    """Put the seeds into the corpus, and run until libFuzzer's options say stop."""
    own, options = sys.argv[1 : sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1 :]
    corpus, findings, *seeds = map(Path, own)
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        data = (b"x" if seed.suffix == ".xml" else b"y") + seed.read_bytes()
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        if seed.suffix == ".xml":
            with contextlib.suppress(InputError):
                document = read_xml(data[1:], str(seed))
                for first, _, write in _DIALECTS:
                    text = first + write(document).encode()
                    (corpus / hashlib.sha256(text).hexdigest()[:16]).write_bytes(text)
    seen: set[str] = set()

    def one(data: bytes) -> None:
        if not data:
            return
        try:
            run(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            frames = traceback.extract_tb(error.__traceback__)
            place = f"{type(error).__name__}-{Path(frames[-1].filename).stem}-{frames[-1].lineno}"
            if place not in seen and len(seen) < 1000:
                seen.add(place)
                (findings / f"{place}.{'xml' if data[0] % 2 == 0 else 'yaml'}").write_bytes(data[1:])
                sys.stderr.write(f"FOUND {place}: {error!s:.300}\n")

    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


main()
