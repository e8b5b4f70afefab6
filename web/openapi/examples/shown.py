"""Examples of what is answered, for readers of /openapi.json."""

from datetime import UTC, datetime

from pydantic import BaseModel

from domain.keys import Scope
from domain.states import Mode, Stage, Status
from domain.waiting import WaitReason
from storage.audit import Action
from storage.webhooks import DeliveryStatus
from web import shapes
from web.accounts import shapes as account_shapes
from web.accounts.quota_shapes import ActiveShown, ArchiveShown, DailyShown, QuotaShown
from web.admin import shapes as admin_shapes
from web.admin.proxy_shapes import ExitShown, ProxiesShown, ProxyOutcomeShown
from web.delivery import shapes as delivery_shapes
from web.downloads import batch_shapes, history_shapes
from web.openapi.examples.asked import EMAIL, REFRESH, URL
from web.openapi.examples.overview import OVERVIEW
from web.page.session import SessionGiven
from web.parse.shapes import FormatShown, ParsedShown
from web.progress.shapes import ProgressEntry, ProgressSnapshot
from web.webhooks import shapes as webhook_shapes

_CURSOR = "MTA0MS4zZjA5"
_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl"  # noqa: S105 - an example
_TICKET = "AQAAAAcAAAQR.c2lnbmF0dXJl"
_PICTURE = "/9j/2wBDAAgICAkICQsLCwsLCw0MDQ0NDQ0NDQ0NDQ0ODg4REREODg4NDQ4OEBARERITEhER/9k="
_BEGAN = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
_ENDED = datetime(2026, 11, 25, 8, 1, 30, tzinfo=UTC)
_TOMORROW = datetime(2026, 11, 26, tzinfo=UTC)

_USER = shapes.UserShown(user_id=7, email=EMAIL, nickname="Mei", role="user", created_at=_BEGAN)
_ACCOUNT = admin_shapes.AccountShown(**dict(_USER), disabled_at=None)
_DOWNLOAD = shapes.DownloadShown(
    history_id=1041,
    url=URL,
    title="A garden in spring",
    extractor="Example",
    mode=Mode.ARCHIVE,
    status=Status.COMPLETED.label,
    status_code=int(Status.COMPLETED),
    stage=Stage.RECORD,
    file_name="A garden in spring.mp4",
    file_size=52_428_800,
    file_hash="9e107d9d372bb6826bd81d3542a419d6",
    error=None,
    attempts=1,
    created_at=_BEGAN,
    started_at=_BEGAN,
    finished_at=_ENDED,
    expire_at=None,
    thumbnail="https://video.example/thumbs/4711.jpg",
    duration_s=182.5,
    warnings=[
        shapes.WarningShown(code="subtitles_missing", message="Subtitles are missing: pt-BR.")
    ],
)
_FAILURE = shapes.FailureShown(
    code="invalid_url", message="This is no address of a video.", retryable=False
)
_QUOTA = QuotaShown(
    daily_downloads=DailyShown(limit=100, used=3, resets_at=_TOMORROW),
    archive_bytes=ArchiveShown(limit=107_374_182_400, used=52_428_800, reserved=0),
    active_downloads=ActiveShown(limit=500, used=1),
)
_KEY = account_shapes.KeyShown(
    key_id=3,
    name="backup script",
    prefix="vst_8fQ2",
    scopes=[Scope.READ, Scope.DELIVER],
    created_at=_BEGAN,
    expires_at=None,
    last_used_at=_ENDED,
)

ANSWERS: tuple[BaseModel, ...] = (
    _USER,
    shapes.SessionShown(access_token=_TOKEN, refresh_token=REFRESH, expires_in=900, user=_USER),
    SessionGiven(access_token=_TOKEN, expires_in=900, user=_USER),
    account_shapes.KeysShown(items=[_KEY]),
    account_shapes.KeyGiven(**dict(_KEY), key="vst_8fQ2mX0dVtq9"),
    _DOWNLOAD,
    shapes.DownloadDetail(
        **dict(_DOWNLOAD),
        runs=[
            shapes.StageRunShown(
                attempt=1,
                stage=Stage.FETCH,
                node="node-a",
                exit="exit-1.proxy.example:8080",
                outcome="done",
                began_at=_BEGAN,
                seconds=84.2,
            )
        ],
    ),
    batch_shapes.BatchSubmitted(
        batch_id=12, downloads=[_DOWNLOAD, batch_shapes.WishRefused(url="video", error=_FAILURE)]
    ),
    batch_shapes.BatchShown(
        batch_id=12,
        total=1,
        counts={"running": 1},
        downloads=[
            batch_shapes.BatchMember(history_id=1042, status="running", status_code=5, percent=41.5)
        ],
    ),
    ParsedShown(
        title="A garden in spring",
        extractor="Example",
        duration_s=182.5,
        thumbnail=_DOWNLOAD.thumbnail,
        thumbnail_preview=f"data:image/jpeg;base64,{_PICTURE}",
        uploader="Garden films",
        webpage_url=URL,
        live=False,
        formats=[
            FormatShown(
                format_id="137",
                ext="mp4",
                width=1920,
                height=1080,
                rung=1080,
                fps=25,
                vcodec="avc1.640028",
                acodec="mp4a.40.2",
                filesize=52_428_800,
                tbr=2_298,
                language="en",
                note="1080p",
            )
        ],
    ),
    history_shapes.PageShown(items=[_DOWNLOAD], next_cursor=_CURSOR),
    history_shapes.StatsShown(
        since=_BEGAN,
        downloads={"completed": 12, "failed": 1},
        bytes_kept=629_145_600,
        bytes_delivered=52_428_800,
        transfers=1,
    ),
    _QUOTA,
    delivery_shapes.TicketShown(
        ticket=_TICKET,
        url=f"https://vasset.example/api/v1/download/file?ticket={_TICKET}",
        expires_in=600,
    ),
    account_shapes.SocketTicketShown(ticket="pT3kQ9vYbN0sLw7x", expires_in=30),
    webhook_shapes.WebhookSecretState(exists=True, made_at=_BEGAN, previous_until=None),
    webhook_shapes.WebhookSecretShown(
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",  # noqa: S106 - an example
        made_at=_BEGAN,
        previous_until=_TOMORROW,
    ),
    webhook_shapes.WebhookDeliveriesShown(
        items=[
            webhook_shapes.WebhookDeliveryShown(
                delivery_id=55,
                webhook_id="msg_2b7e151628aed2a6",
                history_id=1041,
                event="download.completed",
                url="https://hooks.example/vasset",
                status=DeliveryStatus.DELIVERED,
                created_at=_ENDED,
                next_attempt_at=None,
                attempts=[
                    webhook_shapes.WebhookAttemptShown(
                        at=_ENDED, seconds=0.12, http_status=204, fault=None
                    )
                ],
            )
        ],
        next_cursor=None,
    ),
    webhook_shapes.ReplayBegun(delivery_id=55, status=DeliveryStatus.PENDING),
    admin_shapes.AccountsShown(items=[_ACCOUNT], next_cursor=None),
    admin_shapes.AccountManaged(**dict(_ACCOUNT), quota=_QUOTA),
    admin_shapes.NodesShown(
        items=[
            admin_shapes.NodeShown(
                node="node-a",
                url="https://a.vasset.example",
                alive=True,
                draining=False,
                running=4,
                sandbox="full",
                disk_total_bytes=2_000_000_000_000,
                disk_free_bytes=900_000_000_000,
                staging_bytes=1_200_000_000,
                reserved_bytes=4_194_304_000,
                room_bytes=797_005_696_000,
                heartbeat_at=_ENDED,
            )
        ]
    ),
    admin_shapes.AdminDownloadDetail(
        **dict(_DOWNLOAD),
        user_id=7,
        storage_node="node-a",
        runs=[
            admin_shapes.AdminStageRunShown(
                attempt=1,
                stage=Stage.FETCH,
                node="node-a",
                exit="exit-1.proxy.example:8080",
                outcome="drm_protected",
                detail="ERROR: [generic] clip: This video is DRM protected",
                began_at=_BEGAN,
                seconds=1.3,
            )
        ],
    ),
    admin_shapes.AdminPageShown(
        items=[
            admin_shapes.AdminDownloadShown(**dict(_DOWNLOAD), user_id=7, storage_node="node-a")
        ],
        next_cursor=_CURSOR,
    ),
    admin_shapes.AuditShown(
        items=[
            admin_shapes.AuditEntryShown(
                audit_id=88,
                at=_BEGAN,
                actor_id=7,
                action=Action.SUBMIT,
                user_id=7,
                history_id=1041,
                number=1,
                detail=None,
                request_id="b1a9d093751c41d68adaaea715a41489",
                network="public",
            )
        ],
        next_cursor=None,
    ),
    OVERVIEW,
    ProxiesShown(
        provider="http",
        acquisitions=40,
        failures=1,
        cost=0.41,
        outcomes=[
            ProxyOutcomeShown(
                provider="http", outcome="acquired", number=40, seconds=12.3, cost=0.41
            )
        ],
        exits=[
            ExitShown(
                exit_name="exit-1.proxy.example:8080",
                successes=39,
                failures=1,
                score=0.95,
                running=2,
                used_at=_ENDED,
                cooling_until=None,
            )
        ],
    ),
    ProgressSnapshot(
        seq=1_764_057_600_000_123,
        downloads=[
            ProgressEntry(
                history_id=1042,
                url=URL,
                title=None,
                mode=Mode.ARCHIVE,
                status=Status.QUEUED.label,
                status_code=int(Status.QUEUED),
                stage=Stage.ACQUIRE_PROXY,
                attempt=1,
                percent=None,
                downloaded_bytes=None,
                total_bytes=None,
                speed_bps=None,
                eta_s=None,
                waiting=shapes.WaitingShown(reason=WaitReason.SITE_COOLDOWN, until=_ENDED),
            )
        ],
    ),
    shapes.HealthShown(parts={"database": "ok", "redis": "ok", "disk": "ok"}),
)
