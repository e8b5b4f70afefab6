"""The names of the sizes of pictures."""

import pytest

from domain.rungs import STANDARD, rung_of

NAMES = {
    1080: [
        *((1920, 1080), (1080, 1920), (1080, 1080), (1440, 1080), (1920, 800), (800, 1920)),
        *((1920, 1088), (1918, 1078), (1080, 2400), (1080, 2340), (2048, 858), (None, 1080)),
    ],
    2160: [(3840, 2160), (4096, 2160), (4096, 1716), (2160, 3840)],
    1440: [(2560, 1440), (2560, 1080), (1440, 3200)],
    720: [(1280, 720), (720, 1280), (1280, 534), (720, 720), (720, 1600), (1280, None), (0, 720)],
    480: [(854, 480), (852, 480), (640, 480), (854, 356), (480, 480)],
    360: [(640, 360), (360, 640), (640, 272), (640, 368), (360, 800)],
    240: [(426, 240), (240, 426), (320, 240)],
    144: [(256, 144), (176, 144)],
    4320: [(7680, 4320)],
    576: [(1024, 576), (720, 576)],
    900: [(1600, 900), (900, 1600)],
    96: [(128, 96)],
}


@pytest.mark.parametrize(
    ("size", "name"), [(size, name) for name, sizes in NAMES.items() for size in sizes]
)
def test_a_picture_is_named_as_people_name_it(
    size: tuple[int | None, int | None], name: int
) -> None:
    assert rung_of(*size) == name


def test_how_a_picture_is_turned_changes_nothing() -> None:
    sides = range(16, 4400, 97)

    assert all(rung_of(one, other) == rung_of(other, one) for one in sides for other in sides)


def test_a_picture_that_is_larger_either_way_is_never_called_smaller() -> None:
    sides = [*range(16, 4400, 61), *STANDARD]

    for one in sides:
        names = [rung_of(one, other) or 0 for other in sorted(sides)]
        assert names == sorted(names), one


def test_an_unknown_size_has_no_name() -> None:
    assert rung_of(None, None) is None
    assert rung_of(0, 0) is None
