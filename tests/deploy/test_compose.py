"""compose.yaml: its services do together what they are there for, and are as closed as it says."""

import hashlib
import json
import re
import ssl
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.conftest import installed
from tests.support.compose import TOP, Composed, Here, services
from tests.support.parts import find_program
from tests.support.ports import free_port, is_listening
from tests.support.postgres import Postgres
from tests.support.rabbit import Rabbit
from tests.support.site import Site
from tests.support.valkey import Valkey
from tests.support.waiting import eventually_sync

ADA = {"email": "ada@example.com", "password": "correct horse battery"}
OURS = ("migrate", "worker-a", "worker-b", "scheduler", "web-a", "web-b", "nginx")


class Deployed:
    """The services that are ours, on the parts that the tests have anyway."""

    def __init__(self, folder: Path, addresses: dict[str, str]) -> None:
        self.secrets = folder / "secrets"
        script = TOP / "deploy/compose/secrets.sh"
        subprocess.run([script, self.secrets], check=True, capture_output=True)  # noqa: S603
        for name, address in addresses.items():
            (self.secrets / name).unlink()
            (self.secrets / name).write_text(address)
        self.ports = {name: free_port() for name in ("https", "http", "web-a", "web-b")}
        self.url = f"https://localhost:{self.ports['https']}"
        places = [
            ("/run/secrets", str(self.secrets)),
            ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - nobody else may come
            ("172.31.240.10", "127.0.0.1"),
            ("/tmp/", f"{folder}/"),  # noqa: S108 - of the container
            ("/dev/stdout", str(folder / "access.log")),
            ("listen 8080", f"listen 127.0.0.1:{self.ports['http']}"),
            ("listen 8443", f"listen 127.0.0.1:{self.ports['https']}"),
            *((f"{web}:8080", f"127.0.0.1:{self.ports[web]}") for web in ("web-a", "web-b")),
            *((f"/data/{node}", str(folder / node)) for node in ("node-a", "node-b")),
        ]
        declared = services({"VASSET_PUBLIC_URL": self.url})
        self.composed = Composed(
            folder, declared, {name: self._here(name, folder, places) for name in OURS}
        )
        self.trust = ssl.create_default_context(cafile=self.secrets / "tls_certificate")

    def _here(self, name: str, folder: Path, places: list[tuple[str, str]]) -> Here:
        port = str(self.ports.get(name, 0))
        own = [
            ("127.0.0.1:8080", f"127.0.0.1:{port}"),
            ("/data/vasset", f"{folder}/node-{name[-1]}"),
        ]
        settings = {"VASSET_EGRESS__ALLOW_PRIVATE": '["127.0.0.0/8"]', "VASSET_SERVER__PORT": port}
        return Here(settings=settings, places=[*own, *places])

    def client(self) -> httpx.Client:
        return httpx.Client(verify=self.trust, trust_env=False, timeout=30)


@pytest.fixture(scope="module")
def deployed(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, valkey: Valkey, rabbit: Rabbit
) -> Generator[Deployed]:
    installed(lambda: find_program("nginx", "apt-get install nginx-light"))
    addresses = {
        # Empty: the service `migrate` is to fill it.
        "database_url": postgres.create_database("composed"),
        "redis_url": valkey.url,
        "broker_url": rabbit.add_vhost("composed"),
    }
    deployed = Deployed(tmp_path_factory.mktemp("composed"), addresses)
    with deployed.composed:
        # No service waits for nginx, so compose does not either.
        eventually_sync(lambda: is_listening(deployed.ports["https"]), timeout_s=60, what="nginx")
        yield deployed
    postgres.drop_database("composed")


def test_a_download_goes_in_and_out_through_nginx_whichever_node_has_it(
    deployed: Deployed, site: Site
) -> None:
    with deployed.client() as http:
        http.base_url = httpx.URL(f"{deployed.url}/api/v1/")
        http.post("auth/register", json=ADA).raise_for_status()
        token = http.post("auth/login", json=ADA).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        address = deployed.url.replace("https", "wss") + "/api/v1/ws/progress"
        bearer = [Subprotocol("bearer"), Subprotocol(token)]
        told: list[dict[str, Any]] = []
        with connect(
            address,
            subprotocols=bearer,
            proxy=None,
            ssl=deployed.trust,
            origin=Origin(deployed.url),
        ) as socket:
            told.append(json.loads(socket.recv(timeout=60)))
            order = {"url": site.url("/clips/70.mp4"), "mode": "archive"}
            history_id = http.post("download", json=order).raise_for_status().json()["history_id"]
            while told[-1].get("status") != "completed":
                told.append(json.loads(socket.recv(timeout=90)))

        # Each of the two web processes is asked, and only one of them has the file.
        file = f"download/file?history_id={history_id}"
        answers = [http.get(file, follow_redirects=True) for _ in range(4)]
        part = http.get(file, headers={"Range": "bytes=3-9"}, follow_redirects=True)
        metrics = http.get(f"{deployed.url}/metrics")
        plain = http.get(f"http://localhost:{deployed.ports['http']}/docs")

    digests = {hashlib.md5(answer.content).hexdigest() for answer in answers}  # noqa: S324
    sent_on = [answer for answer in answers if answer.history]
    assert {answer.status_code for answer in answers} == {200}
    assert digests == {site.md5("/clips/70.mp4")}
    assert 0 < len(sent_on) < 4
    assert "/node-" in str(sent_on[0].url)
    assert (part.status_code, part.content) == (206, answers[0].content[3:10])
    assert metrics.status_code == 404
    assert (plain.status_code, plain.headers["Location"]) == (308, "https://localhost/docs")
    assert told[0]["type"] == "snapshot"


def test_they_start_in_order_and_nginx_finds_a_way_round_a_web_that_is_away(
    deployed: Deployed,
) -> None:
    order = deployed.composed.order

    # The last test that this fleet is for.
    deployed.composed.stop("web-a")

    with deployed.client() as http:
        answers = [http.get(f"{deployed.url}/healthz").status_code for _ in range(4)]
    assert order.index("migrate") < order.index("worker-a") < order.index("web-a")
    assert order[-1] == "nginx"
    assert answers == [200] * 4
    nodes = deployed.composed.run("worker-a", ["vasset", "node", "list", "--json"])
    assert {node["sandbox"] for node in json.loads(nodes.stdout)} == {"full"}


@pytest.mark.parametrize("name", services({}))
def test_a_service_gets_no_more_than_it_needs(name: str) -> None:
    service = services({})[name]
    secrets = [secret for secret in service.get("environment", {}).items() if "SECRET" in secret[0]]

    user = int(service["user"].split(":")[0])
    assert user > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert not [option for option in service["security_opt"] if "unconfined" in option]
    assert ":" in service["image"]
    assert not service["image"].endswith(":latest")
    assert all(key.endswith("_FILE") for key, _ in secrets)
    assert ("healthcheck" in service) == (name not in ("migrate", "scheduler", "backup"))


def test_whoever_is_outside_comes_through_nginx_alone() -> None:
    published = {name: service.get("ports", []) for name, service in services({}).items()}

    assert [name for name, ports in published.items() if ports] == ["nginx", "grafana"]
    assert all(port.startswith("127.0.0.1:") for port in published["grafana"])


def test_docker_s_own_profile_is_opened_by_two_calls() -> None:
    profile = json.loads((TOP / "deploy/compose/seccomp.json").read_text(encoding="utf-8"))

    ours, *_ = profile["syscalls"]
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert (ours["names"], ours["action"]) == (["setns", "unshare"], "SCMP_ACT_ALLOW")


def test_the_broker_waits_longer_than_the_longest_attempt() -> None:
    text = (TOP / "deploy/compose/rabbitmq.conf").read_text(encoding="utf-8")
    lines = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
    settings = (TOP / "settings.toml").read_text(encoding="utf-8")

    limit_s = int(settings.split("time_limit_s = ")[1].split(" ")[0])
    assert int(lines["consumer_timeout"]) > limit_s * 1000


def test_prometheus_asks_the_web_processes_and_grafana_asks_it() -> None:
    asked = (TOP / "deploy/compose/prometheus.yml").read_text(encoding="utf-8")
    source = (TOP / "deploy/compose/grafana.yml").read_text(encoding="utf-8")
    told = services({})
    webs = [name for name, service in told.items() if service.get("command") == ["vasset", "web"]]

    assert re.findall(r'"([\w-]+):8080"', asked) == webs
    assert "url: http://prometheus:9090" in source
    assert {"prometheus", *webs} <= {n for n in told if "inside" in told[n]["networks"]}
