"""A short soak; the long one is `make soak`, and its table stands in docs/reliability.md."""

from pathlib import Path

from tests.proof.soak import Run, soak


async def test_a_short_soak_breaks_no_promise(rabbit: object, tmp_path: Path) -> None:
    del rabbit  # Only to be left out where RabbitMQ is not installed.
    run = Run(jobs=20, minutes=0.4, seed=7, every_s=(4, 6), hurry=True)

    report = await soak(run, tmp_path)

    assert report.verdict.faults == {}, str(report)
    assert report.accepted == 20
