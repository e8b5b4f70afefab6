"""The words of the page: the same in each language, and there for every use."""

import re
from pathlib import Path

from domain.failures import FailureCode
from web.problems import Code

STATIC = Path(__file__).parents[2] / "web" / "page" / "static"
PLACE = re.compile(r"\{(\w+)\}")


def words(language: str) -> dict[str, str]:
    files = sorted(STATIC.glob(f"words.{language}.*js"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    found = re.findall(r'^  "([^"]+)": (.+),$', text, re.MULTILINE)
    assert len(found) == len(dict(found)), "a key stands twice"
    return dict(found)


def test_each_language_says_the_same_things() -> None:
    english, chinese = words("en"), words("zh")

    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert set(PLACE.findall(text)) == set(PLACE.findall(chinese[key])), key


def test_every_text_that_is_asked_for_is_there_and_no_other() -> None:
    modules = [file for file in STATIC.glob("*.js") if not file.name.startswith("words.")]
    code = "\n".join(file.read_text(encoding="utf-8") for file in modules)
    # Whole keys in quotes, and the beginnings of those that are put together.
    whole = set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)*)"', code))
    begun = set(re.findall(r"`([a-z_]+\.)\$\{", code))

    asked = set(re.findall(r'\bt\(\s*"([^"]+)"', code))
    unused = {key for key in words("en") if key not in whole and not key.startswith(tuple(begun))}

    assert asked <= words("en").keys()
    assert {
        key for key in unused if not key.startswith(("failed.", "advice.", "refused."))
    } == set()


def test_every_failure_and_refusal_is_put_into_words() -> None:
    told = words("en").keys()

    # What is wrong with a field is said beside it.
    refusals = {f"refused.{code.value}" for code in Code if code is not Code.INVALID_REQUEST}
    assert {f"failed.{code.value}" for code in FailureCode} <= told
    assert refusals <= told
