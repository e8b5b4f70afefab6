"""The cookies of sites, which an administrator gives; kept sealed."""

from collections.abc import Sequence

from storage.db import Db, Row
from storage.sealing import Seal

PURPOSE = "cookies of a site"


class SiteCookies:
    """One set of cookies for each site, under the name by which the limits know it."""

    def __init__(self, db: Db, secret: str) -> None:
        self._db = db
        self._seal = Seal(secret, PURPOSE)

    async def put(self, site: str, cookies: str, *, number: int) -> None:
        """Keep the cookies of a site instead of those that it had.

        Args:
            cookies: In Netscape's format, for this site alone.
            number: How many they are, for people to see.
        """
        await self._db.one("cookies_put", site=site, sealed=self._seal.seal(cookies), number=number)

    async def of(self, site: str) -> str | None:
        """Return the cookies of a site, or None if it has none.

        Raises:
            SealedError: They were sealed with another secret.
        """
        row = await self._db.one("cookies_of", site=site)
        return None if row is None else self._seal.open(row["sealed"])

    async def all(self) -> Sequence[Row]:
        """Return each site that has cookies, how many and since when; never the cookies."""
        return await self._db.all("cookies_all")

    async def remove(self, site: str) -> bool:
        """Forget the cookies of a site; return False if it had none."""
        return await self._db.one("cookies_remove", site=site) is not None
