"""`vasset node adopt` on a real database."""

from pathlib import Path

from storage.db import Db
from storage.nodes import Nodes
from tests.vasset.test_commands import SECRET, vasset


async def test_a_known_node_may_take_a_new_root_and_an_unknown_one_is_named(
    db: Db, database_url: str, tmp_path: Path
) -> None:
    nodes = Nodes(db)
    environment = {"VASSET_DATABASE__URL": database_url, "VASSET_AUTH__SECRET": SECRET * 2}
    await nodes.beat("node-b", "http://node-b.example", sandbox="full", disk=None)
    before = await nodes.may_mark("node-b")

    known = vasset("node", "adopt", "node-b", data=tmp_path, environment=environment)
    unknown = vasset("node", "adopt", "node-z", data=tmp_path, environment=environment)

    assert (before, await nodes.may_mark("node-b")) == (False, True)
    assert (known.returncode, unknown.returncode) == (0, 1)
    assert "node-b accepts the root" in known.stdout
    assert "there is no node node-z" in unknown.stderr
