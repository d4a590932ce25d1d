"""The config file's form: what may stand in it, with the words of the reference manual beside each key.

pydantic checks it; nothing beyond this package sees these classes.
"""

from __future__ import annotations

import warnings
from inspect import cleandoc
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator

from nxscribe.model.tango_names import ATTRIBUTE_PATTERN, DEVICE_PATTERN, HOSTS_PATTERN
from nxscribe.projections import registered
from nxscribe.records import NEXUS
from nxscribe.sources import kinds

_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
_IDENTIFIER: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
_PLACEHOLDER: Final = r"^[\w.-]+$"
_SERVER: Final = r"^nxscribe/[A-Za-z0-9_.-]+$"
_OWN_DEVICE: Final = r"^[^/\s#:]+/[^/\s#:]+/[^/\s#:]+$"
_MODE: Final = r"^[0-7]{3,4}$"

PATTERNS: Final = {
    _NAME: "a name: letters, digits, `_`, `.` and `-`, a letter or digit first",
    _IDENTIFIER: "a name: letters, digits and `_`, no digit first",
    _PLACEHOLDER: "a placeholder's bare name, as `energy` for `${energy}`",
    HOSTS_PATTERN: "a Tango host: `host:port`, or `host1:port,host2:port` for several servers of one database",
    _SERVER: "a server's name: `nxscribe/<instance>`",
    _MODE: 'a mode in octal digits, in quotes: "0444"',
    _OWN_DEVICE: "a Tango device: `domain/family/member`",
    DEVICE_PATTERN: "a Tango device: `domain/family/member`, with `host:port/` before it for a foreign database",
} | {pattern: words for kind in kinds().values() for pattern, words in kind.patterns.items()}
"""What the patterns of this form ask for, in words."""

Name = Annotated[str, Field(pattern=_NAME)]
Placeholder = Annotated[str, Field(pattern=_PLACEHOLDER)]
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


ORIGINS: Final = tuple(kinds())
"""The keys of all kinds of sources."""
SHORT_FORM: Final = "tango"
"""The kind of a source that is a text, or a list of texts."""

if TYPE_CHECKING:
    _SourceKeys = _Form
else:
    _SourceKeys = create_model(
        "_SourceKeys",
        __base__=_Form,
        **{
            key: (kind.annotation | None, Field(default=None, description=kind.description))
            for key, kind in kinds().items()
        },
    )


class SourceForm(_SourceKeys):
    """The source of a placeholder's value: the key of one kind of source, and further keys that apply to all kinds."""

    unit: str = Field(
        default="",
        description="The unit of the value, if the source itself gives none or a wrong one. Empty: the unit "
        "that the source gives.",
    )
    timeout_s: Seconds | None = Field(
        default=None,
        description="How long a trigger waits for the value, but never beyond the deadline. Absent: "
        "`limits.attribute_timeout_s`.",
    )
    max_age_s: Seconds | None = Field(
        default=None,
        description="How old a value in memory may be, so that a scan can use it and does not wait. nxscribe "
        "keeps the value fresh by events or by reading in the background. Absent: the value is read "
        "for each scan.",
    )
    default: Scalar | None = Field(
        default=None,
        description="The value to use if there is no other; the file says that it is the default. Absent: the "
        "default of the definition, if there is one.",
    )
    mandatory: bool = Field(default=False, description="Whether a scan without this value is incomplete.")


def _from_short_form(given: object) -> object:
    """A text is a Tango attribute; a list of texts is a list of them."""
    return {SHORT_FORM: given} if isinstance(given, str | list) else given


Sources = dict[Placeholder, Annotated[SourceForm, BeforeValidator(_from_short_form)]]


class TangoForm(_Form):
    """The Tango system."""

    host: str | None = Field(
        default=None,
        pattern=HOSTS_PATTERN,
        description="The Tango database, `host:port`, or `host1:port,host2:port` if several servers share one "
        "database; some of them may be down. Absent: `$TANGO_HOST`, or the database of the Tango "
        "installation.",
    )
    server: str | None = Field(
        default=None,
        pattern=_SERVER,
        description="The name of the device server, `nxscribe/<instance>`. Absent: `nxscribe/<beamline>`.",
    )
    devices: list[Annotated[str, Field(pattern=_OWN_DEVICE)]] = Field(
        default=[],
        description="The trigger devices. Each one is a separate session with at most one open scan. Absent: "
        "`<beamline>/nxscribe/main`.",
    )


class FilesForm(_Form):
    """Where files are written. Patterns can contain `{proposal}`, `{beamline}`, `{session}`, `{sample}`, `{scan}`,
    `{technique}`, and the parameters that `parameters` lists.
    """

    layout: Literal["linked", "single"] = Field(
        default="linked",
        description="`linked`: each entry is a separate file beside the master, and the master links to it. "
        "`single`: all entries are in the master itself.",
    )
    master: str = Field(
        default="{proposal}/{beamline}/{proposal}-{beamline}.h5",
        description="The master file of the experiment, below `data_root`.",
    )
    scan_directory: str = Field(
        default="{proposal}/{beamline}/{sample}/{scan}",
        description="The folder of a scan, below `data_root`. The placeholder `location` has its path.",
    )
    parameters: list[Annotated[str, Field(pattern=_IDENTIFIER)]] = Field(
        default=[],
        description="Parameters of the start that patterns can contain: `[cell]` for `{cell}`. A start that does not "
        "give one that is used is refused, and so is a value with `/`.",
    )
    roots: list[Annotated[str, Field(min_length=1)]] = Field(
        default=[],
        description="Further folders, besides `data_root` and those of the detectors, in which files may lie that the "
        "control system names: raw files (`files`, `lastDataFile`) and `links`. Files elsewhere are not opened and not "
        "linked, and the entry lists them as missing. Symbolic links in `data_root` may lead there, too; where one "
        "leads elsewhere, nothing is written.",
    )
    mode: Annotated[str, Field(pattern=_MODE)] = Field(
        default="0444", description='The file mode of complete entries, in octal digits: `"0444"`.'
    )
    growing_mode: Annotated[str, Field(pattern=_MODE)] | None = Field(
        default=None,
        description="The file mode of files that still change: masters, and entries of running scans. Absent: "
        "determined by the umask.",
    )
    folder_mode: Annotated[str, Field(pattern=_MODE)] | None = Field(
        default=None, description='The mode of folders that nxscribe makes: `"2750"`. Absent: determined by the umask.'
    )
    group: str | None = Field(
        default=None,
        min_length=1,
        description="The group of all files and folders that nxscribe makes. The user of the daemon must be a "
        "member. Absent: the group of the parent folder or of the user.",
    )
    copy_frames_mb: Annotated[float, Field(ge=0, le=1e9)] = Field(
        default=500.0,
        description="EDF and TIFF frames are copied into a file beside the entry, up to this number of "
        "megabytes for one detector in one scan. Above it, that file names the raw files, and "
        "programs need `HDF5_EXTFILE_PREFIX` to read the frames. 0: nothing is copied.",
    )


class LimitsForm(_Form):
    """Time limits."""

    deadline_s: Seconds = Field(
        default=1.5,
        description="The time for all readings of a start or an end. After it the trigger is answered with the "
        "values that are there. It should be shorter than the time-out of clients, which is 2 s for those of nxscribe.",
    )
    attribute_timeout_s: Seconds | None = Field(
        default=None,
        description="The time for one attribute, unless its source has a `timeout_s`. Absent: the deadline.",
    )
    write_timeout_s: Seconds = Field(
        default=60.0,
        description="The time for writing one entry. A writer that takes longer is stopped, and the entry is "
        "tried again.",
    )
    scan_hours: Annotated[float, Field(gt=0, le=8760)] = Field(
        default=48.0, description="A scan that nobody ended is closed as `interrupted` after this number of hours."
    )
    raw_hours: Annotated[float, Field(ge=0, le=8760)] = Field(
        default=12.0,
        description="For this number of hours after the end of a scan, nxscribe waits for raw files that do not "
        "exist or are not complete, and lists them as pending. Then they are listed as missing.",
    )


class DetectorForm(_Form):
    """A detector and how nxscribe finds its files: at most one of `device`, `files`, `watch`.

    Without any of these, only the control system names the files. The patterns can contain the same names as those of
    `files`. Their last part can also contain `*`, `?` and `[…]`. They are absolute, or relative to `data_root`. If the
    control system names files (`files` of EndScan, or else the attribute `lastDataFile`), these are used instead.
    """

    device: Annotated[str, Field(pattern=DEVICE_PATTERN)] | None = Field(
        default=None,
        description="The LimaCCDs device of a Lima camera: `domain/family/member`, with `host:port/` before it "
        "for another database. Its saving attributes are read at the start and at the end of a "
        "scan, and tell which files it wrote.",
    )
    files: str | None = Field(
        default=None,
        min_length=1,
        description="A pattern for the files of one scan: `{proposal}/{beamline}/{sample}/{scan}/*_master.h5`. "
        "All files that match belong to the scan.",
    )
    watch: str | None = Field(
        default=None,
        min_length=1,
        description="A pattern for files in a folder of many scans, for a detector that does not report its "
        "files: `/buffer/pilatus/*.cbf`. A file belongs to a scan if it matches and was last "
        "written between the start of the scan and 10 s after its end.",
    )
    techniques: list[str] = Field(
        default=[],
        description="With `files` or `watch`: the techniques that use the detector. For other techniques its "
        "files are not searched. Empty: all techniques.",
    )
    group: str = Field(
        min_length=1,
        description="The NXdetector group for the data, as a path that starts at the entry: `instrument/detector01`.",
    )
    dataset: str = Field(
        default="",
        description="For HDF5: the path of the frames inside each raw file (the control system can give it with the "
        "files: `/data/a.h5::/entry/data`), or a pattern in which each name can "
        "have wildcards: `entry_*/measurement/data`. If several entries match, those of the scan "
        "are shown. Empty: nxscribe searches the frames.",
    )
    checksum: Literal["sha256"] | None = Field(
        default=None,
        description="With `sha256`, the entry has the checksum of each file that can only be listed (CBF, "
        "compressed EDF and TIFF), and `nxscribe validate` compares it. The files are read for this "
        "after the scan. Absent: no checksums.",
    )
    frames: Annotated[int, Field(ge=1, le=2**63 - 1)] | Placeholder | None = Field(
        default=None,
        description="How many frames a scan should have: a number, or the placeholder that has the number, such "
        "as `tomo_n`. If there are fewer or more, this is reported. Absent: the number that a Lima "
        "camera was asked for. `frames` of the trigger has priority over both.",
    )


class WatchedTriggerForm(_Form):
    """A trigger without a client: a scan begins when a condition on a Tango attribute begins to hold, and ends when it
    no longer holds. The names of the scan are texts with placeholders of `sources` and of cameras: `${proposal}`,
    `${pco.saving_prefix}`. `${pco.saving_directory/-1}` is the last part of a path, `/-2` the one before, `/0` the
    first. `${begun}` is the time of the start: `20261128T192459`.

    A *value* is a text (upper and lower case are the same), a number, true or false, or a comparison such as `"> 0.5"`.
    The comparisons are `<`, `<=`, `>`, `>=` and `!=`, with numbers.
    """

    attribute: Annotated[str, Field(pattern=ATTRIBUTE_PATTERN)] = Field(
        description="The attribute: `id16a/limaccds/pco/acq_status`. All forms of [Tango names](tango-names.md) are "
        "possible. If it pushes events, these are used, and otherwise it is read."
    )
    device: Annotated[str, Field(pattern=_OWN_DEVICE)] | None = Field(
        default=None,
        description="The trigger device whose session has the scans. Absent: the first of `tango.devices`.",
    )
    running: Scalar | list[Scalar] = Field(
        description="The values with which a scan runs: `Running`. With any other value it does not."
    )
    failed: Scalar | list[Scalar] = Field(
        default=[], description="The values that end a scan as `failed`: `Fault`. Other values end it as `finished`."
    )
    aborted: Scalar | list[Scalar] = Field(default=[], description="The values that end a scan as `aborted`.")
    proposal: str = Field(min_length=1, description="The name of the proposal.")
    sample: str = Field(min_length=1, description="The name of the sample.")
    scan: str = Field(min_length=1, description="The name of the scan.")
    technique: str = Field(default="", description="The technique. Absent: `default_technique`.")
    session: str = Field(default="", description="The session of the experiment, for patterns with `{session}`.")
    min_length_s: Annotated[float, Field(ge=0, le=86400)] = Field(
        default=0.0,
        description="The condition must hold for this time before a scan begins, so that shorter ones are ignored. The "
        "readings of the start are this much later.",
    )
    gap_s: Annotated[float, Field(ge=0, le=86400)] = Field(
        default=0.0,
        description="The condition must not hold for this time before the scan ends, so that shorter gaps are "
        "ignored, such as those between the series of one scan. The readings of the end are this much later.",
    )
    poll_s: Seconds = Field(
        default=1.0,
        description="How often the attribute is read, if nothing was heard of it by events. An event that was lost "
        "costs at most this time.",
    )


WAYS_TO_FILES = ("device", "files", "watch")


class TechniqueForm(_Form):
    """One technique."""

    definition: str = Field(min_length=1, description="The definition file, XML or YAML, relative to this config.")
    aliases: list[Annotated[str, Field(min_length=1)]] = Field(
        default=[],
        description="Other names by which the control system can call the technique: `[CT, TOMO]`. Upper and lower "
        "case are the same.",
    )
    additions: list[str] = Field(
        default=[],
        description="Further definition files of this beamline, which extend or override the definition.",
    )
    sources: Sources = Field(
        default={}, description="Sources for this technique only. They have priority over the shared ones."
    )
    parameters: list[str] = Field(
        default=[],
        description="Placeholders that the control system sets in this technique, with `*` and `?` as in file names.",
    )


class RecordsForm(_Form):
    """How long records stay in the journal. Files cannot be made again from a record that was removed."""

    keep_days: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="The record of a scan is moved from the journal to the archive this number of days after "
        "the end of the scan, if its files are made. The newest record of each experiment stays. "
        "Absent: records stay forever.",
    )
    archive: str | None = Field(
        default=None,
        min_length=1,
        description="The folder of the archive. It contains compressed JSON Lines, which `nxscribe records "
        "import` can read. Absent: `archive` in `state_dir`.",
    )
    vacuum_percent: Annotated[float, Field(gt=0, le=100)] = Field(
        default=25.0,
        description="While at least this part of the journal's file is unused, its space is given back to the "
        "disk, a few pages at a time, while no scan runs.",
    )


class _ProjectionsForm(_Form):
    """Projections of each scan in addition to the NeXus files. Each key is a kind; `{}` means all of its defaults."""


_KINDS: Final = {kind: projection.form for kind, projection in registered().items() if kind != NEXUS}


def _with_installed_kinds() -> type[_ProjectionsForm]:
    fields = {
        kind: (form | None, Field(default=None, description=cleandoc(form.__doc__ or "").partition("\n")[0]))
        for kind, form in _KINDS.items()
    }
    with warnings.catch_warnings():
        # A kind may be named as one of pydantic's own methods, `json`: it is not called here.
        warnings.filterwarnings("ignore", "Field name .* shadows an attribute", UserWarning)
        return create_model(
            "ProjectionsForm",
            __base__=_ProjectionsForm,
            __doc__=_ProjectionsForm.__doc__,
            **cast(dict[str, Any], fields),
        )


if TYPE_CHECKING:
    ProjectionsForm = _ProjectionsForm
else:
    ProjectionsForm = _with_installed_kinds()


class LoggingForm(_Form):
    """The log of the daemon."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The lowest level that is logged."
    )
    format: Literal["console", "json"] = Field(
        default="console", description="`console`: lines for people. `json`: one JSON object for each line."
    )


SECTIONS: Final = {kind.section: kind.section_form for kind in kinds().values() if kind.section_form}
"""The sections of the config that kinds of sources bring."""

if TYPE_CHECKING:
    _Sections = _Form
else:
    _Sections = create_model(
        "_Sections",
        __base__=_Form,
        **{
            key: (form | None, Field(default=None, description=cleandoc(form.__doc__)))
            for key, form in SECTIONS.items()
        },
    )


class ConfigForm(_Sections):
    """The config file of a beamline. Paths in it are relative to the file."""

    beamline: Name = Field(description="The name of the beamline: letters, digits, `_`, `.`, `-`.")
    data_root: str = Field(min_length=1, description="The folder below which all files are written.")
    state_dir: str | None = Field(
        default=None,
        min_length=1,
        description="The folder of the journal, on a local disk. Absent: `$STATE_DIRECTORY`, which systemd "
        "sets, or `/var/lib/nxscribe/<beamline>`.",
    )
    time_zone: str = Field(
        default="",
        description="The time zone of times in files and in the output of commands, by its name in the IANA "
        "time zone database: `Europe/Paris`, or `UTC`. Each time also has its offset from UTC. "
        "Absent: the time zone of the host.",
    )
    tango: TangoForm = Field(default=TangoForm(), description="The Tango system.")
    files: FilesForm = Field(default=FilesForm(), description="Where files are written.")
    limits: LimitsForm = Field(default=LimitsForm(), description="Time limits.")
    on_start_while_running: Literal["refuse", "interrupt"] = Field(
        default="refuse",
        description="What to do if a scan is started while another scan of the session is open. `refuse`: "
        "refuse the start. `interrupt`: close the open scan as `interrupted`, with its final "
        "readings, and start the new one.",
    )
    on_missing_mandatory: Literal["warn", "refuse"] = Field(
        default="warn",
        description="What to do if a mandatory value is missing at the start. `warn`: continue with a warning. "
        "`refuse`: refuse the scan.",
    )
    afresh_at_end: bool = Field(
        default=False,
        description="Whether all values are read again at the end of a scan, regardless of `max_age_s`.",
    )
    watched_triggers: dict[Annotated[str, Field(pattern=_IDENTIFIER)], WatchedTriggerForm] = Field(
        default={}, description="Scans that begin and end with a Tango attribute, by the name of the trigger."
    )
    detectors: dict[Annotated[str, Field(pattern=_IDENTIFIER)], DetectorForm] = Field(
        default={},
        description="Detectors by name. A Lima camera adds placeholders such as `<name>.saving_directory`.",
    )
    sources: Sources = Field(
        default={},
        description="Sources of placeholders, shared by all techniques. A text is a Tango attribute, a list is "
        "a list of Tango attributes, and a mapping has further keys.",
    )
    parameters: list[str] = Field(
        default=[],
        description="Placeholders that the control system sets, so that they need no source, with `*` and `?` "
        "as in file names.",
    )
    techniques: dict[Name, TechniqueForm] = Field(min_length=1, description="The techniques, by name.")
    default_technique: Name | None = Field(
        default=None,
        description="The technique for scans of a technique that the config does not have, or that name none. Absent: "
        "such a scan is refused.",
    )
    projections: ProjectionsForm = Field(
        default=ProjectionsForm(), description="Projections of each scan in addition to the NeXus files, by kind."
    )
    records: RecordsForm = Field(default=RecordsForm(), description="How long records stay in the journal.")
    logging: LoggingForm = Field(default=LoggingForm(), description="The log of the daemon.")


_KEYS_OF_SOURCES: Final = {
    key: kind.annotation
    for key, kind in kinds().items()
    if isinstance(kind.annotation, type) and issubclass(kind.annotation, BaseModel)
}
"""The kinds of sources whose key has keys of its own behind it."""
FORMS: Final[dict[tuple[str, ...], type[BaseModel]]] = {
    (): ConfigForm,
    ("tango",): TangoForm,
    ("files",): FilesForm,
    ("limits",): LimitsForm,
    ("watched_triggers", "*"): WatchedTriggerForm,
    ("detectors", "*"): DetectorForm,
    ("sources", "*"): SourceForm,
    **{("sources", "*", key): form for key, form in _KEYS_OF_SOURCES.items()},
    ("techniques", "*"): TechniqueForm,
    ("techniques", "*", "sources", "*"): SourceForm,
    **{("techniques", "*", "sources", "*", key): form for key, form in _KEYS_OF_SOURCES.items()},
    **{(key,): form for key, form in SECTIONS.items()},
    ("projections",): ProjectionsForm,
    **{("projections", kind): form for kind, form in _KINDS.items()},
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
