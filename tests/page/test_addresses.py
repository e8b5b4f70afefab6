"""The addresses in a text that was pasted: the module of the page itself, run by deno."""

# ruff: noqa: RUF001 - the punctuation that people paste

import itertools
import json
import subprocess

from runtime.tools import find_js_runtime
from tests.page.test_words import STATIC

PROGRAM = f"""
import {{ addressesIn }} from "{(STATIC / "addresses.js").as_uri()}";
const texts = JSON.parse(await new Response(Deno.stdin.readable).text());
console.log(JSON.stringify(texts.map(addressesIn)));
"""
A, B = "https://a.example/1", "http://b.example/watch?v=2&t=3"

# What is pasted, the addresses in it, and the pieces of it that are named as no links.
TABLE: list[tuple[str, list[str], list[str]]] = [
    # Several, however they are separated.
    (f"{A}, {B}", [A, B], []),
    (f"{A},{B}", [A, B], []),
    (f"{A};{B}", [A, B], []),
    (f"{A}|{B}", [A, B], []),
    (f"{A} {B}\t{A}", [A, B], []),
    (f"{A}\r\n\r\n{B}\u2028{A}", [A, B], []),
    (f"{A}，{B}、{A}；{B}。", [A, B], []),
    (f"{A}\u200b {B}\u3000{A}\ufeff", [A, B], []),
    (f"1. {A}\n2) {B}\n- {A}\n* {B}", [A, B], []),
    # What stands around one.
    (f"[a title]({A})", [A], []),
    (f"[{A}]({B})", [A, B], []),
    (f'[one]({A} "with a title") and [two]({B}).', [A, B], []),
    (f"<{A}>", [A], []),
    (f"<{A}><{B}>", [A, B], []),
    (f'<a href="{A}">{A}</a>', [A], []),
    (f"'{A}','{B}'", [A, B], []),
    (f'["{A}", "{B}"]', [A, B], []),
    (f"`{A}` **{B}**", [A, B], []),
    (f"_{A}_", [A], []),
    (f"“{A}” ‘{B}’", [A, B], []),
    (f"（{A}）《{B}》", [A, B], []),
    (f"链接：{A}。看看！", [A], []),
    (f"({A})", [A], []),
    (f"(see {A}).", [A], []),
    (f"See {A}, then {B}!", [A, B], []),
    (f"Is it {A}?", [A], []),
    (f"He said 'look at {A}'", [A], []),
    (f"{A}...", [A], []),
    (f"{A}…", [A], []),
    # What belongs to one.
    ("https://a.example/it's.mp4", ["https://a.example/it's.mp4"], []),
    ("'https://a.example/it's.mp4'", ["https://a.example/it's.mp4"], []),
    ("https://a.example/wiki_(x)", ["https://a.example/wiki_(x)"], []),
    ("(https://a.example/wiki_(x))", ["https://a.example/wiki_(x)"], []),
    ("[t](https://a.example/wiki_(x))", ["https://a.example/wiki_(x)"], []),
    ("https://a.example/wiki_(x),", ["https://a.example/wiki_(x)"], []),
    ("https://a.example/a,b;c|d", ["https://a.example/a,b;c|d"], []),
    ("https://a.example/x[1]{2}", ["https://a.example/x[1]{2}"], []),
    ("http://[2001:db8::1]:8080/x", ["http://[2001:db8::1]:8080/x"], []),
    ("https://a.example/watch?v=dQw4w9Wg_-_", ["https://a.example/watch?v=dQw4w9Wg_-_"], []),
    ("https://a.example/Yahoo!", ["https://a.example/Yahoo!"], []),
    ("https://a.example/清晨", ["https://a.example/清晨"], []),
    (f"https://a.example/?of={B}", [f"https://a.example/?of={B}"], []),
    (f"https://a.example/2020/{B}", [f"https://a.example/2020/{B}"], []),
    (f"https://a.example/?text=Look%20{B}", [f"https://a.example/?text=Look%20{B}"], []),
    ("HTTPS://A.example/1", ["HTTPS://A.example/1"], []),
    # Without http://: taken where it can be nothing else.
    ("video.example/watch", ["https://video.example/watch"], []),
    ("//video.example/watch", ["https://video.example/watch"], []),
    ("video.example:8443/watch?v=1.", ["https://video.example:8443/watch?v=1"], []),
    (
        f"video.example/1,video.example/2 {A}",
        [f"https://video.example/{n}" for n in "12"] + [A],
        [],
    ),
    ("www.video.example", ["https://www.video.example"], []),
    ("Look at www.video.example/1, please", ["https://www.video.example/1"], []),
    ("<video.example/watch>", ["https://video.example/watch"], []),
    ("Mr.Smith/Jones said so", [], ["Mr.Smith/Jones"]),
    ("video.example", [], ["video.example"]),
    (f"{A} video.example", [A], ["video.example"]),
    # What is not taken is named.
    ("nonsense", [], ["nonsense"]),
    (f"not one\n{A}", [A], ["not one"]),
    (f"{A}, nonsense, {B}", [A, B], ["nonsense"]),
    (f"{A} ftp://b.example/2", [A], ["ftp://b.example/2"]),
    (f"htp://b.example/2 {A}", [A], ["htp://b.example/2"]),
    (f"{A} https:/b.example", [A], ["https:/b.example"]),
    ("https://", [], ["https://"]),
    (f"{A}{B}", [], [f"{A}{B}"]),
    (f"{A}/{'x' * 2048}", [], [f"{A}/{'x' * 2048}"]),
    (f"# a remark\n# {A}\n{B}", [B], [f"# {A}"]),
    (f"Some words about {A} and nothing else", [A], []),
    (f"A title – another\t{A}", [A], []),
    ("----\n \n…", [], []),
    ("", [], []),
]
# Each takes what is quadratic in a regular expression minutes.
LONG = [
    "," * 500_000,
    f"{A}," * 20_000,
    f"({A}" + ")" * 500_000,
    "'" * 500_000 + "x",
    "a." * 300_000,
]


def read(texts: list[str]) -> list[tuple[list[str], list[str]]]:
    deno = find_js_runtime()
    assert deno is not None
    ran = subprocess.run(  # noqa: S603 - a program of ours
        [deno, "eval", "--no-config", PROGRAM],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [(one["found"], one["others"]) for one in json.loads(ran.stdout)]


def test_every_way_to_write_addresses_down_is_read_and_nothing_is_dropped_in_silence() -> None:
    told = read([pasted for pasted, _, _ in TABLE])

    wrong = {
        pasted: got
        for (pasted, found, others), got in zip(TABLE, told, strict=True)
        if got != (found, others)
    }
    assert wrong == {}


def test_an_address_is_the_same_whatever_stands_around_it() -> None:
    addresses = [A, B, "https://a.example/it's.mp4", "https://a.example/wiki_(x)"]
    before = ["", "(", "[x](", "<", "“", "「", "See ", "- ", "链接："]
    after = ["", ",", ".", ")", ").", "),", "」", "”", "?", ";", ">", " and more"]
    around = list(itertools.product(before, addresses, after))

    told = read(["".join(parts) for parts in around])

    wrong = [parts for parts, (found, _) in zip(around, told, strict=True) if found != [parts[1]]]
    assert wrong == []


def test_a_megabyte_of_anything_is_read_at_once() -> None:
    told = read(LONG)

    assert [len(found) for found, _ in told] == [0, 1, 1, 0, 0]
