"""The config file's form: what may stand in it, with the words of the reference manual beside each key.

pydantic checks it; nothing beyond this package sees these classes.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
_IDENTIFIER: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
_PLACEHOLDER: Final = r"^[\w.-]+$"
_HOST: Final = r"^[\w.-]+:\d+(,[\w.-]+:\d+)*$"
_SERVER: Final = r"^nxscribe/[A-Za-z0-9_.-]+$"
_OWN_DEVICE: Final = r"^[^/\s#:]+/[^/\s#:]+/[^/\s#:]+$"
_DEVICE: Final = r"^(tango://)?([\w.-]+:\d+/)?[^/\s#:]+/[^/\s#:]+/[^/\s#:]+$"
_MODE: Final = r"^[0-7]{3,4}$"
_ATTRIBUTE: Final = r"^(tango://)?([\w.-]+:\d+/)?[^/\s#:]+/[^/\s#:]+/[^/\s#:]+/[^/\s#:]+(#dbase=(yes|no))?(#write)?$"
_PROPERTY: Final = r"^(tango://)?([\w.-]+:\d+/)?[^/\s#:]+/[^/\s#:]+/[^/\s#:]+(/[^/\s#:]+){1,2}$"

PATTERNS: Final = {
    _NAME: "a name: letters, digits, `_`, `.` and `-`, a letter or digit first",
    _IDENTIFIER: "a name: letters, digits and `_`, no digit first",
    _PLACEHOLDER: "a placeholder's bare name, as `energy` for `${energy}`",
    _HOST: "a Tango host: `host:port`",
    _SERVER: "a server's name: `nxscribe/<instance>`",
    _MODE: 'a mode in octal digits, in quotes: "0444"',
    _OWN_DEVICE: "a Tango device: `domain/family/member`",
    _DEVICE: "a Tango device: `domain/family/member`, with `host:port/` before it for a foreign database",
    _ATTRIBUTE: "a Tango attribute: `domain/family/member/attribute`, with `host:port/` before it for a foreign "
    "database; a fixed text is written `{value: …}`",
    _PROPERTY: "a property: `domain/family/member/property`, or `domain/family/member/attribute/property`",
}
"""What the patterns of this form ask for, in words."""

Name = Annotated[str, Field(pattern=_NAME)]
Placeholder = Annotated[str, Field(pattern=_PLACEHOLDER)]
Attribute = Annotated[str, Field(pattern=_ATTRIBUTE)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Scalar = str | int | float | bool


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty_keys(cls, given: object) -> object:
        """A key with nothing behind it counts as absent, as when all below it was commented out."""
        if not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if value is not None or key not in cls.model_fields}


def _listed(given: object) -> object:
    return [given] if isinstance(given, str) else given


Attributes = Annotated[
    list[Attribute],
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": _ATTRIBUTE},
                {"type": "array", "items": {"type": "string", "pattern": _ATTRIBUTE}},
            ]
        }
    ),
]


class SourceForm(_Form):
    """Where a placeholder's value comes from: one of `tango`, `property`, `value`, `parameter`, `expression`."""

    tango: Attributes = Field(
        default=[],
        description="A Tango attribute, `domain/family/member/attribute`, or a list of them, which makes an array (a "
        "space-separated text where the field is of type NX_CHAR). `host:port/` before it reaches a foreign database, "
        "`#write` after it means the set point.",
    )
    property: Annotated[str, Field(pattern=_PROPERTY)] | None = Field(
        default=None,
        description="A property of a Tango device, from its database: `domain/family/member/property`; or of an "
        "attribute: `domain/family/member/attribute/property`, where `__value` is the memorized value.",
    )
    value: Scalar | list[Scalar] | None = Field(
        default=None, description="The value itself: a text, a number, a list of either."
    )
    parameter: str | None = Field(
        default=None,
        min_length=1,
        description="A parameter of the trigger, where its name is not the placeholder's own.",
    )
    expression: str | None = Field(
        default=None, min_length=1, description="A formula over other placeholders: `12.398 / ${energy}`."
    )
    unit: str = Field(
        default="",
        description="The value's unit, where its origin says none or a wrong one. Empty: as the origin says.",
    )
    timeout_s: Seconds | None = Field(
        default=None,
        description="How long to wait for it. Absent: `limits.attribute_timeout_s`. Never beyond the deadline.",
    )
    max_age_s: Seconds | None = Field(
        default=None,
        description="How old a value of a Tango attribute may be that is already at hand: nxscribe keeps one, by "
        "events or by reading it now and then, so that a scan need not wait for it. Absent: it is read afresh.",
    )
    default: Scalar | None = Field(
        default=None,
        description="Taken, and said to be taken, where no value can be had. Absent: the definition's own, if any.",
    )
    mandatory: bool = Field(default=False, description="Whether a scan without it is incomplete.")


ORIGINS = ("tango", "property", "value", "parameter", "expression")


def _from_short_form(given: object) -> object:
    """A text is a Tango attribute; a list of texts is a list of them."""
    return {"tango": given} if isinstance(given, str | list) else given


Sources = dict[Placeholder, Annotated[SourceForm, BeforeValidator(_from_short_form)]]


class TangoForm(_Form):
    """The Tango system."""

    host: str | None = Field(
        default=None,
        pattern=_HOST,
        description="The Tango database, `host:port`. Absent: `$TANGO_HOST`, or what Tango is set up with.",
    )
    server: str | None = Field(
        default=None,
        pattern=_SERVER,
        description="The device server's name, `nxscribe/<instance>`. Absent: `nxscribe/<beamline>`.",
    )
    devices: list[Annotated[str, Field(pattern=_OWN_DEVICE)]] = Field(
        default=[],
        description="The trigger devices. Each is a session of its own with at most one open scan. Absent: "
        "`<beamline>/nxscribe/main`.",
    )


class FilesForm(_Form):
    """Where files go. In patterns stand `{proposal}`, `{beamline}`, `{sample}`, `{scan}`, `{technique}`."""

    layout: Literal["linked", "single"] = Field(
        default="linked",
        description="`linked`: each entry in a file of its own beside the master, which links to them. `single`: all "
        "entries in the master itself.",
    )
    master: str = Field(
        default="{proposal}/{beamline}/{proposal}-{beamline}.h5",
        description="The experiment's master file, below `data_root`.",
    )
    scan_directory: str = Field(
        default="{proposal}/{beamline}/{sample}/{scan}",
        description="A scan's own folder, below `data_root`: the placeholder `location`.",
    )
    mode: Annotated[str, Field(pattern=_MODE)] = Field(
        default="0444", description='The mode of entries that are complete, in octal digits: `"0444"`.'
    )
    growing_mode: Annotated[str, Field(pattern=_MODE)] | None = Field(
        default=None,
        description="The mode of what still changes: masters, and entries of running scans. Absent: by the umask.",
    )
    folder_mode: Annotated[str, Field(pattern=_MODE)] | None = Field(
        default=None, description='The mode of folders that nxscribe makes: `"2750"`. Absent: by the umask.'
    )
    group: str | None = Field(
        default=None,
        min_length=1,
        description="The group of all files and folders that nxscribe makes; the daemon's user must be in it. Absent: "
        "as the folder above or the user has it.",
    )


class LimitsForm(_Form):
    """How long things may take."""

    deadline_s: Seconds = Field(
        default=2.0,
        description="For all readings at a start or an end: then the trigger is answered with what is there.",
    )
    attribute_timeout_s: Seconds | None = Field(
        default=None, description="For one attribute, unless its source says otherwise. Absent: the deadline."
    )
    write_timeout_s: Seconds = Field(
        default=60.0,
        description="For writing one entry: a writer that takes longer is stopped, and the entry is tried again.",
    )
    scan_hours: Annotated[float, Field(gt=0, le=8760)] = Field(
        default=48.0, description="After so many hours a scan that nobody ended is closed as `interrupted`."
    )
    raw_hours: Annotated[float, Field(ge=0, le=8760)] = Field(
        default=12.0,
        description="So many hours after a scan's end raw files that are not there or not whole are awaited, and "
        "listed as pending; then they are listed as missing.",
    )


class DetectorForm(_Form):
    """A detector and how its files are known: exactly one of `device`, `files`, `watch`.

    In the patterns stand `{proposal}`, `{beamline}`, `{sample}`, `{scan}`, `{technique}`; in their last part also `*`,
    `?` and `[…]`. They are absolute, or below `data_root`. The files that the control system names
    (`files` of EndScan, then the attribute `lastDataFile`) go before all of these.
    """

    device: Annotated[str, Field(pattern=_DEVICE)] | None = Field(
        default=None,
        description="A Lima camera, by its LimaCCDs device: `domain/family/member`; `host:port/` before it reaches a "
        "foreign database. Its saving attributes, read at both ends of a scan, tell which files it wrote.",
    )
    files: str | None = Field(
        default=None,
        min_length=1,
        description="The files of one scan, by a pattern: `{proposal}/{beamline}/{sample}/{scan}/*_master.h5`. All "
        "that match belong to the scan.",
    )
    watch: str | None = Field(
        default=None,
        min_length=1,
        description="A folder that a detector writes to without telling anybody, by a pattern: "
        "`/buffer/pilatus/*.cbf`. Those that match and were last written between a scan's start and 10 s after its end "
        "belong to it.",
    )
    techniques: list[str] = Field(
        default=[],
        description="With `files` or `watch`: the techniques whose scans it takes part in; for others it is not looked "
        "for. Empty: all.",
    )
    group: str = Field(
        min_length=1,
        description="The NXdetector group that gets its data, as a path from the entry: `instrument/detector01`.",
    )
    dataset: str = Field(
        default="", description="For HDF5, the path of the frames inside each raw file. Empty: found by looking."
    )
    checksum: Literal["sha256"] | None = Field(
        default=None,
        description="With `sha256`, each file that can only be listed (CBF, compressed EDF and TIFF) gets its checksum "
        "in the entry, for `nxscribe validate` to compare. The files are read for it, after the scan. Absent: none.",
    )
    frames: Annotated[int, Field(ge=1, le=2**63 - 1)] | Placeholder | None = Field(
        default=None,
        description="How many frames a scan is to have: a number, or the placeholder that has it, `tomo_n`. Fewer are "
        "reported, and more. Absent: what a Lima camera was asked for. The trigger's own `frames` go before both.",
    )


WAYS_TO_FILES = ("device", "files", "watch")


class TechniqueForm(_Form):
    """One technique."""

    definition: str = Field(min_length=1, description="The definition file, XML or YAML, relative to this config.")
    additions: list[str] = Field(
        default=[], description="Further definition files of this beamline, which add to the definition or override it."
    )
    sources: Sources = Field(default={}, description="Sources of this technique alone. They go before the shared ones.")
    parameters: list[str] = Field(
        default=[],
        description="Placeholders that the control system sets in this technique; `*` and `?` as in file names.",
    )


class RecordsForm(_Form):
    """How long records stay in the journal. Files of a record that is gone cannot be made again from it."""

    keep_days: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="So many days after its end a scan's record leaves the journal, if its files are made, for the "
        "archive. The newest of each experiment stays. Absent: records stay for ever.",
    )
    archive: str | None = Field(
        default=None,
        min_length=1,
        description="The folder to which they go first, as JSON Lines, compressed, which `nxscribe records import` "
        "takes. Absent: `archive` in `state_dir`.",
    )
    vacuum_percent: Annotated[float, Field(gt=0, le=100)] = Field(
        default=25.0,
        description="When so much of the journal's file is unused, it is made smaller, at a moment without a scan.",
    )


class LoggingForm(_Form):
    """The daemon's log."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least level that is logged."
    )
    format: Literal["console", "json"] = Field(
        default="console", description="`console`: lines for people. `json`: one object a line."
    )


class ConfigForm(_Form):
    """A beamline's config file. Paths in it are relative to the file."""

    beamline: Name = Field(description="The beamline's name: letters, digits, `_`, `.`, `-`.")
    data_root: str = Field(min_length=1, description="The folder below which every file goes.")
    state_dir: str | None = Field(
        default=None,
        min_length=1,
        description="The folder of the journal, on a local disk. Absent: `$STATE_DIRECTORY`, as systemd sets it, or "
        "`/var/lib/nxscribe/<beamline>`.",
    )
    tango: TangoForm = Field(default=TangoForm(), description="The Tango system.")
    files: FilesForm = Field(default=FilesForm(), description="Where files go.")
    limits: LimitsForm = Field(default=LimitsForm(), description="How long things may take.")
    on_start_while_running: Literal["refuse", "interrupt"] = Field(
        default="refuse",
        description="What to do with a start while a scan of the session is open. `refuse`: refuse the start. "
        "`interrupt`: close the open scan as `interrupted`, with its final readings, and start the new one.",
    )
    on_missing_mandatory: Literal["warn", "refuse"] = Field(
        default="warn",
        description="What to do when a mandatory value is missing at the start. `warn`: go on, and say so. `refuse`: "
        "refuse the scan.",
    )
    afresh_at_end: bool = Field(
        default=False,
        description="Whether everything is read afresh at the end of a scan, whatever `max_age_s` allows.",
    )
    detectors: dict[Annotated[str, Field(pattern=_IDENTIFIER)], DetectorForm] = Field(
        default={},
        description="Detectors by name. A Lima camera adds the placeholders `<name>.saving_directory` and its like.",
    )
    sources: Sources = Field(
        default={},
        description="Sources of placeholders, shared by all techniques. A text is a Tango attribute, a list is a list "
        "of them, a mapping says more.",
    )
    parameters: list[str] = Field(
        default=[],
        description="Placeholders that the control system sets itself, so that no source is missed; `*` and `?` as in "
        "file names.",
    )
    techniques: dict[Name, TechniqueForm] = Field(min_length=1, description="The techniques, by name.")
    records: RecordsForm = Field(default=RecordsForm(), description="How long records stay in the journal.")
    logging: LoggingForm = Field(default=LoggingForm(), description="The daemon's log.")


FORMS: Final[dict[tuple[str, ...], type[BaseModel]]] = {
    (): ConfigForm,
    ("tango",): TangoForm,
    ("files",): FilesForm,
    ("limits",): LimitsForm,
    ("detectors", "*"): DetectorForm,
    ("sources", "*"): SourceForm,
    ("techniques", "*"): TechniqueForm,
    ("techniques", "*", "sources", "*"): SourceForm,
    ("records",): RecordsForm,
    ("logging",): LoggingForm,
}
"""The form at each place of the file; `*` stands for a name of the author's choosing."""


def form_at(path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The form that the mapping at `path` has; None where keys are free."""
    return next(
        (
            form
            for place, form in FORMS.items()
            if len(place) == len(path) and all(step in ("*", given) for step, given in zip(place, path, strict=True))
        ),
        None,
    )
