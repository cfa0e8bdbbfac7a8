"""Makes the documents of the settings from the code: `python -m server.settings_page > docs/settings.md`.

`python -m server.settings_page readme` prints the shorter table of the README.
"""

import inspect
import sys
from collections.abc import Iterable
from itertools import groupby

from server.config import SECTIONS, Described, described, essential
from server.settings_group import SettingsGroup

INTRO = """\
# Settings

Every setting is an option of `antiphon serve` (`--max-calls 4`), an environment variable (`ANTIPHON_MAX_CALLS=4`), or a
line of the file `.env` in the directory in which the server is started. The command line wins over the environment, and
the environment over the file. A variable that begins with `ANTIPHON_` and is not in these tables stops the server at
its start, with the name of the setting that you may have meant. Names that end in `_ms` and `_s` are milliseconds and
seconds; an empty default means that nothing is set.

This page is made by `python -m server.settings_page > docs/settings.md`; the texts are in the code.
"""


def page() -> str:
    """All settings in Markdown, with a heading for each section and for each group within one."""
    parts = [INTRO]
    for group, settings in groupby(described(), key=lambda setting: setting.group):
        level = "##" if group in SECTIONS else "###"
        parts.append(f"{level} {group.title}\n\n{_introduction(group)}\n\n{table(settings)}")
    return "\n".join(parts)


def table(settings: Iterable[Described]) -> str:
    """A Markdown table with a row for each setting."""
    rows = (f"| `{each.variable}` | {f'`{each.default}`' if each.default else ''} | {each.help} |" for each in settings)
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows]) + "\n"


def _introduction(group: type[SettingsGroup]) -> str:
    return " ".join((inspect.getdoc(group) or "").split())


if __name__ == "__main__":
    sys.stdout.write(table(essential()) if sys.argv[1:] == ["readme"] else page())
