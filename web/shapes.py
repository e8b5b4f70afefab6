"""The shapes of what is asked and answered, for routes and for /openapi.json alike."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from domain.entries import (
    ENTRY_ID,
    FIRST,
    MAX_ENTRY_ID_LENGTH,
    MAX_ENTRY_INDEX,
    EntrySelector,
    shown_entry,
)
from domain.requests import (
    MAX_AUDIO_KBPS,
    MAX_SUBTITLES,
    MIN_AUDIO_KBPS,
    Container,
    Live,
    Quality,
    Wish,
    form_fault,
)
from domain.states import Mode, Stage
from domain.waiting import WaitReason
from domain.warnings import WarningCode
from storage.users import is_local_email
from web.accounts.common_passwords import TOO_COMMON, is_common
from web.fields import (
    MAX_EMAIL,
    Address,
    Asked,
    Email,
    FormatId,
    Given,
    Label,
    Language,
    ListTitle,
    Password,
)


class RegistrationAsked(Asked):
    """A new account."""

    email: Email
    # Before the password, which must not be made of it.
    nickname: Label | None = None
    password: Password

    @field_validator("email")
    @classmethod
    def _check_name(cls, email: str) -> str:
        """Keep strangers from registering this machine's own names, such as `admin@localhost`."""
        if is_local_email(email):
            message = "is at localhost, which is reserved for this machine's own accounts"
            raise ValueError(message)
        return email

    @field_validator("password")
    @classmethod
    def _check_password(cls, password: str, fields: ValidationInfo) -> str:
        if is_common(password, fields.data.get("email"), fields.data.get("nickname")):
            raise ValueError(TOO_COMMON)
        return password


class LoginAsked(Asked):
    """An account and its password."""

    email: Annotated[str, Field(max_length=MAX_EMAIL)]
    password: Annotated[str, Field(max_length=128)]


class RefreshAsked(Asked):
    """A refresh token, used up by this."""

    refresh_token: Annotated[str, Field(max_length=128)]


EntryIndex = Annotated[int, Field(ge=1, le=MAX_ENTRY_INDEX)]
EntryId = Annotated[str, Field(max_length=MAX_ENTRY_ID_LENGTH, pattern=ENTRY_ID)]
_SHOWN_IF_GIVEN: Any = Field(exclude_if=lambda value: value is None)


class EntryNamed(Asked):
    """One entry of a list: by its ``id``, wherever it is by now, or by its position ``index``.

    With both, the ``id`` decides and the ``index`` is a hint where to look first.
    """

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["index"]}, {"required": ["id"]}]}
    )

    index: Annotated[Given[EntryIndex], _SHOWN_IF_GIVEN] = None
    id: Annotated[Given[EntryId], _SHOWN_IF_GIVEN] = None

    @model_validator(mode="before")
    @classmethod
    def _from_selector(cls, value: object) -> object:
        # Our own selectors say None where a client leaves a key out.
        return shown_entry(value) if isinstance(value, EntrySelector) else value

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.index is None and self.id is None:
            message = "needs an index or an id"
            raise ValueError(message)
        return self


EntryAsked = Literal["first"] | EntryNamed


class EntryWished(Asked):
    """Which video of a list to download, and the list's title for it."""

    entry: Annotated[
        EntryAsked | None,
        Field(description="Which video of the list at the address; null if it is a single video."),
    ] = None
    title: Annotated[
        ListTitle | None,
        Field(description="The list's title for the video; used if the site has none of its own."),
    ] = None

    @property
    def selector(self) -> EntrySelector | None:
        """Return which video of a list to download; None for an address of one video."""
        if not isinstance(self.entry, EntryNamed):
            return FIRST if self.entry else None
        return EntrySelector(index=self.entry.index, id=self.entry.id)


class WishAsked(Asked):
    """In which form videos are to be fetched, and for how long: of one as of many."""

    mode: Mode
    quality: Quality = Quality.BEST
    format_id: Annotated[
        FormatId | None,
        Field(
            description="A format of `/parse`, instead of `quality`; or a video format and the"
            " audio formats to merge it with, joined by `+`."
        ),
    ] = None
    container: Annotated[
        Container | None,
        Field(
            description="Null: MP4 if it can hold what the site offers, else WebM or MKV; with"
            " `quality` `audio` the sound as it is. `mp3`, `m4a`, `opus`, `flac` and `wav` need"
            " `audio`, which takes no other."
        ),
    ] = None
    audio_bitrate_kbps: Annotated[
        int | None,
        Field(
            ge=MIN_AUDIO_KBPS,
            le=MAX_AUDIO_KBPS,
            description="Upper bound for `mp3`, `m4a` and `opus`: sound with less stays as it is.",
        ),
    ] = None
    subtitles: Annotated[
        list[Language],
        Field(
            max_length=MAX_SUBTITLES,
            description="Languages to put into the video, as far as the site has them; `en` takes "
            "`en-US` too, `en-auto` automatic captions where there are no others.",
        ),
    ] = []  # noqa: RUF012 - pydantic copies it
    audio_only: bool = False
    live: Annotated[
        Live | None,
        Field(description="`record`: a stream that is on air is recorded; null: it is refused."),
    ] = None
    webhook: Annotated[
        Address | None, Field(description="An https address that is told how the download ends.")
    ] = None

    @property
    def _quality(self) -> Quality:
        return Quality.AUDIO if self.audio_only else self.quality

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        fault = form_fault(self._quality, self.container, self.audio_bitrate_kbps)
        if self._quality is Quality.AUDIO and "+" in (self.format_id or ""):
            fault = 'several formats are merged into a video: give one with quality "audio"'
        if fault is not None:
            raise ValueError(fault)
        return self

    def wish(self, url: str) -> Wish:
        """Return what is wished of an address that ``check_url`` has passed."""
        return Wish(
            url=url,
            quality=self._quality,
            format_id=self.format_id,
            container=self.container,
            audio_bitrate_kbps=self.audio_bitrate_kbps,
            subtitles=tuple(dict.fromkeys(self.subtitles)),
            live=self.live,
        )


class DownloadAsked(WishAsked, EntryWished):
    """A video to be fetched."""

    url: Address

    @property
    def whole_wish(self) -> Wish:
        """Return all that is wished."""
        return replace(self.wish(self.url), entry=self.selector, title=self.title or None)


class UserShown(BaseModel):
    """An account as its owner sees it."""

    user_id: int
    email: str
    nickname: str | None
    role: Literal["user", "admin"]
    created_at: datetime


class SessionShown(BaseModel):
    """The tokens of a login."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a name, not a secret
    expires_in: int
    user: UserShown


class FailureShown(BaseModel):
    """Why a download failed, or its last attempt."""

    code: str
    message: str
    retryable: bool


class WarningShown(BaseModel):
    """What a finished download lacks or leaves in doubt although its file is good."""

    code: Annotated[str, Field(description="One of " + ", ".join(WarningCode) + ".")]
    message: str


class WaitingShown(BaseModel):
    """What a download waits for, and until when at the latest; null if that is not known.

    Only ``retry``, ``proxy`` and ``site_cooldown`` have a known end.
    """

    reason: WaitReason
    until: datetime | None


class DownloadShown(BaseModel):
    """A download as its owner sees it. Source: the contract, section 3."""

    history_id: int
    url: str
    title: str | None
    extractor: str | None
    mode: Mode
    status: str
    status_code: Annotated[int, Field(ge=0, le=6)]
    stage: Stage
    file_name: str | None
    file_size: int | None
    file_hash: str | None
    error: FailureShown | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expire_at: datetime | None
    thumbnail: str | None
    duration_s: float | None
    entry: Annotated[
        EntryAsked | None,
        Field(description="Which video of the list at the address; null if it is not a list."),
    ] = None
    warnings: list[WarningShown]
    waiting: Annotated[
        WaitingShown | None,
        Field(
            description="Present only while it waits, and only in answers that change nothing.",
            exclude_if=lambda waiting: waiting is None,
        ),
    ] = None


class StageRunShown(BaseModel):
    """One claim of one stage: where it ran, through which exit, how it ended after how long.

    ``outcome`` is null while it runs, else ``done``, ``linked``, ``let_go``, ``interrupted``,
    ``cancelled`` or the code of an error.
    """

    attempt: int
    stage: Stage
    node: str | None
    exit: str | None
    outcome: str | None
    began_at: datetime
    seconds: Annotated[float, Field(ge=0)]


class DownloadDetail(DownloadShown):
    """A download with everything that was done for it, the oldest first."""

    runs: list[StageRunShown]


class FaultShown(BaseModel):
    """A field of the request and what is wrong with it."""

    field: str
    message: str


class ProblemShown(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FaultShown] = []
    entries: Annotated[
        int | None, Field(description="Only with `is_playlist`: how many videos there are.")
    ] = None
    truncated: Annotated[
        bool | None, Field(description="Only with `is_playlist`: whether there are more.")
    ] = None


class DocumentShown(BaseModel):
    """An OpenAPI document."""

    model_config = ConfigDict(extra="allow")

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]


class HealthShown(BaseModel):
    """Whether this process works, and the parts that it needs."""

    status: Literal["ok"] = "ok"
    parts: dict[str, Any] = {}
