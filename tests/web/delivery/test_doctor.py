"""The doctor's look at nginx: whether it is there that sends the files."""

from runtime.settings import Settings
from tests.support.nginx import Nginx
from tests.support.ports import free_port
from tests.web.conftest import Site
from tests.web.delivery.conftest import present
from vasset import surroundings


def reached_at(settings: Settings, url: str) -> Settings:
    server = settings.server.model_copy(update={"public_url": url})
    return settings.model_copy(update={"server": server})


async def test_it_tells_nginx_from_a_web_process_and_from_nobody(
    offloading: tuple[Site, Nginx | None],
) -> None:
    site, nginx = offloading[0], present(offloading[1])

    well = await surroundings.offload(reached_at(site.settings, f"{nginx.url}/"))
    bare = await surroundings.offload(reached_at(site.settings, site.url))
    nobody = await surroundings.offload(
        reached_at(site.settings, f"http://127.0.0.1:{free_port()}")
    )

    assert (well.ok, bare.ok, nobody.ok) == (True, False, False)
    assert "files would arrive empty" in bare.text
    assert "cannot be asked (ConnectError)" in nobody.text
