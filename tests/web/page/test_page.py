"""The page's files: what a browser may do with them, and how long it keeps them."""

import re

import httpx

from tests.web.conftest import Site

LIMIT_BYTES = 100_000


async def test_the_page_runs_no_code_but_its_own(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        page = await client.get("/")

    policy = dict(
        part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["img-src"] == "'self' data:"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert not re.search(r"<script(?![^>]* src=)|<style| on\w+=|style=", page.text)


async def test_files_are_kept_for_good_and_the_page_is_asked_for_each_time(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        page = await client.get("/")
        unchanged = await client.get("/", headers={"If-None-Match": page.headers["ETag"]})
        names = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        files = [await client.get(name) for name in names]

    assert page.headers["Cache-Control"] == "no-cache"
    assert unchanged.status_code == 304
    assert {file.status_code for file in files} == {200}
    assert all("immutable" in file.headers["Cache-Control"] for file in files)


async def test_the_first_view_is_small(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        page = await client.get("/")
        names = {"/", *re.findall(r'(?:src|href)="([^"]+)"', page.text)}
        base = next(name for name in names if name.endswith("main.js")).removesuffix("main.js")
        names |= {f"{base}words.zh.js", f"{base}icons.svg"}
        sizes = [int((await client.get(name)).headers["Content-Length"]) for name in names]

    assert sum(sizes) < LIMIT_BYTES


async def test_a_client_that_cannot_unpack_gets_plain_text(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        packed = await client.get("/")
        plain = await client.get("/", headers={"Accept-Encoding": "identity"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.content == plain.content


async def test_a_file_of_another_version_is_not_there(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        base = re.findall(r"/page/\w+/", (await client.get("/")).text)[0]
        wrong = ("/page/0000000000000000/main.js", f"{base}page.html", f"{base}../routes.py")

        answers = [await client.get(path) for path in wrong]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
