"""Which of a site's formats a wish means: the one rule for what is fetched and what it will take.

Source: docs/decisions/0028-selection.md.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from domain.findings import Format
from domain.requests import Container, Quality, Wish

_NOT_FOR_MP4 = ("vp8", "vp08", "theora")

IsUsable = Callable[[Format], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The formats to fetch.

    Attributes:
        picture: None for sound alone.
        sounds: Beside the picture, in order; only the sound is meant, even of one with a picture.
        keeps_own_sound: Whether the picture's own sound, if it has any, goes before ``sounds``.
    """

    picture: Format | None = None
    sounds: tuple[Format, ...] = ()
    keeps_own_sound: bool = True

    @property
    def formats(self) -> tuple[Format, ...]:
        """Return what is fetched, the picture first."""
        return self.sounds if self.picture is None else (self.picture, *self.sounds)


def choose(
    formats: Sequence[Format], wish: Wish, is_usable: IsUsable = lambda _one: True
) -> Choice | None:
    """Return what a wish means, or None if the site does not offer it.

    Args:
        formats: As the site offers them, the best last, as in ``Findings``.
        is_usable: Asked of a format right before it is chosen, and of no more than needed.
    """
    best_first = [one for one in reversed(formats) if _fits(one, wish.container)]
    if wish.format_id is not None:
        return _named(best_first, wish, is_usable)
    if wish.quality is Quality.AUDIO:
        return _sound_alone(best_first, is_usable)
    pictures = within(filter(_has_picture, best_first), wish.quality.max_rung)
    picture = _first(pictures, is_usable)
    if picture is not None:
        return _with_sound(picture, pictures, best_first, is_usable)
    # A video is not answered with sound, unless that is all there is.
    return None if any(map(_has_picture, formats)) else _sound_alone(best_first, is_usable)


def within(pictures: Iterable[Format], max_rung: int | None) -> list[Format]:
    """Return the pictures that a bound allows, in their order.

    One of unknown size is allowed. If all are too large the smallest are returned, so that a site
    with one format still works.
    """
    rungs = [(one, one.rung or 0) for one in pictures]
    if max_rung is None or not rungs:
        return [one for one, _ in rungs]
    bound = max(max_rung, min(rung for _, rung in rungs))
    return [one for one, rung in rungs if rung <= bound]


def _named(best_first: Sequence[Format], wish: Wish, is_usable: IsUsable) -> Choice | None:
    """Return exactly what a format id names."""
    ids = (wish.format_id or "").split("+")
    found = [one for name in ids for one in best_first if one.format_id == name and is_usable(one)]
    if len(found) != len(ids):
        return None
    if wish.quality is Quality.AUDIO:
        return _sound_alone([one for one in found if not one.has_picture] or found, is_usable)
    picture = next(filter(_has_picture, found), None)
    if picture is None:
        return Choice(sounds=tuple(found))
    if len(found) == 1:
        return _with_sound(picture, [picture], best_first, is_usable)
    found.remove(picture)
    if any(one.has_sound is False for one in found):
        return None
    return Choice(picture=picture, sounds=tuple(found), keeps_own_sound=False)


def _sound_alone(best_first: Sequence[Format], is_usable: IsUsable) -> Choice | None:
    """Return the best sound, out of a video if it comes in no other way."""
    alone = [one for one in best_first if not one.has_picture]
    in_video = [one for one in best_first if one.has_picture and one.has_sound is not False]
    sound = _first([*alone, *in_video], is_usable)
    return sound and Choice(sounds=(sound,))


def _with_sound(
    picture: Format, pictures: Sequence[Format], best_first: Sequence[Format], is_usable: IsUsable
) -> Choice:
    """Return a picture with its sound, or with the best sound that there is.

    If the site did not say whether the picture has sound, both come, and what came decides.

    Args:
        pictures: Those that could be taken instead, if there is sound only in one of them.
    """
    if picture.has_sound:
        return Choice(picture=picture)
    sound = _first([one for one in best_first if not one.has_picture], is_usable)
    if sound is not None:
        return Choice(picture=picture, sounds=(sound,))
    with_sound = [one for one in pictures if one.has_sound] if picture.has_sound is False else []
    return Choice(picture=_first(with_sound, is_usable) or picture)


def _fits(one: Format, container: Container | None) -> bool:
    """Whether a format can go into a container as it is, as far as the site said."""
    if container is Container.WEBM:
        return one.ext in ("webm", "weba")
    return container is not Container.MP4 or not (one.vcodec or "").startswith(_NOT_FOR_MP4)


def _has_picture(one: Format) -> bool:
    return one.has_picture


def _first(candidates: Iterable[Format], is_usable: IsUsable) -> Format | None:
    return next(filter(is_usable, candidates), None)
