"""What the README says about commands and settings is what there is."""

import re

from tests.support.environment import BASE_DIR

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")
READS_A_SETTING = re.compile(r'\b(?:env\.\w+|number|flag|choice|address|environ\.get)\(\s*"([A-Z_]+)"')
NOT_SETTINGS = {"PATH"}


def test_the_readme_lists_every_setting_and_no_other() -> None:
    section = README.split("## Settings")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE)
    read = {
        name
        for path in (BASE_DIR / "instainstru").rglob("*.py")
        for name in READS_A_SETTING.findall(path.read_text(encoding="utf-8"))
    }
    assert sorted(listed) == sorted(read - NOT_SETTINGS)


def test_the_readme_names_only_commands_that_exist() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (BASE_DIR / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z]+)[` ]", README)) <= set(targets)
