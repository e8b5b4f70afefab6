"""Examples of what is asked, for readers of /openapi.json."""

from collections.abc import Mapping

from pydantic import BaseModel

from domain.keys import Scope
from domain.requests import Container, Live, Quality
from domain.states import Mode
from web import shapes
from web.accounts import shapes as account_shapes
from web.accounts.quota_shapes import QuotaChangeAsked
from web.admin import shapes as admin_shapes
from web.delivery import shapes as delivery_shapes
from web.downloads import batch_shapes, history_shapes
from web.parse.shapes import ParseAsked
from web.webhooks import shapes as webhook_shapes

URL = "https://video.example/watch/4711"
EMAIL = "mei@example.com"
PASSWORD = "a boat of nine willows"  # noqa: S105 - an example
REFRESH = "0qZt5xDwSgU1bYp3"

BODIES: tuple[BaseModel, ...] = (
    shapes.RegistrationAsked(email=EMAIL, nickname="Mei", password=PASSWORD),
    shapes.LoginAsked(email=EMAIL, password=PASSWORD),
    shapes.RefreshAsked(refresh_token=REFRESH),
    account_shapes.PasswordAsked(current_password=PASSWORD, new_password=PASSWORD + "s"),
    account_shapes.KeyAsked(name="backup", scopes=[Scope.READ, Scope.DELIVER], expires_in_d=90),
    shapes.DownloadAsked(
        url=URL,
        mode=Mode.ARCHIVE,
        quality=Quality.P1080,
        container=Container.MP4,
        subtitles=["en", "zh-Hans"],
    ),
    batch_shapes.BatchAsked(
        urls=[
            URL,
            batch_shapes.VideoWished(
                url="https://video.example/post/7", entry=shapes.EntryNamed(index=3, id="clip-3")
            ),
        ],
        mode=Mode.QUICK,
        live=Live.RECORD,
    ),
    ParseAsked(url=URL),
    delivery_shapes.FileTicketAsked(history_id=1041),
    delivery_shapes.ArchiveTicketAsked(history_ids=[1041, 1042]),
    admin_shapes.AccountChangeAsked(
        role="user", quota=QuotaChangeAsked(daily_downloads=500, archive_bytes=None)
    ),
)

QUERIES: Mapping[type[BaseModel], Mapping[str, str | int]] = {
    history_shapes.HistoryAsked: {"status": "completed", "q": "garden", "limit": 20},
    delivery_shapes.FileAsked: {"history_id": 1041},
    delivery_shapes.ArchiveAsked: {"ids": "1041,1042"},
    webhook_shapes.WebhookDeliveriesAsked: {"history_id": 1041, "status": "delivered"},
    admin_shapes.UsersAsked: {"q": "example.com", "limit": 20},
    admin_shapes.DownloadsAsked: {"user": 7, "mode": "archive", "node": "node-a"},
    admin_shapes.AuditAsked: {"user": 7, "action": "login", "since": "2026-11-25T00:00:00Z"},
}
"""The parameters of each query string; not instances, which hold what was read from them."""
