"""The doctor's look at the sandbox: what this machine really gives a child."""

from domain.failures import InterruptedDownloadError
from gateways.ytdlp.link import Link
from gateways.ytdlp.sandbox import Level, Sandbox, SandboxMissingError, check
from runtime.settings import Settings
from vasset.findings import Finding, well, wrong

PART = "sandbox"

_MEANING = {
    Level.FULL: "a child has no net but the egress gate and no file but its own",
    Level.LANDLOCK: "no namespaces: a child's files are shut in, its net only by port number",
    Level.NONE: "a child is held only by limits of size, memory and time",
}
_REMEDY = (
    "allow unprivileged user namespaces (user.max_user_namespaces, AppArmor, the container's"
    " seccomp profile) and use Linux 5.13 or later with Landlock"
)


async def sandbox(settings: Settings) -> Finding:
    """Return how strong the walls around a child are here, by starting a fork server."""
    asked = Sandbox(settings.egress.sandbox)
    try:
        link = await Link.open(0, asked)
    except InterruptedDownloadError:
        return wrong(PART, "the fork server does not start", "see the worker's log")
    level = link.level
    await link.close()
    text = f"{level}: {_MEANING[level]}"
    try:
        check(asked, level)
    except SandboxMissingError:
        return wrong(PART, f"{text}, and egress.sandbox is 'require'", _REMEDY)
    if level is Level.FULL or asked is Sandbox.OFF:
        return well(PART, text)
    return wrong(PART, text, _REMEDY)
