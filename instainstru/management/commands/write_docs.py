"""`manage.py write_docs`: write the documents of docs/api/ that are made from the code."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru.written_docs import DOCUMENTS, FOLDER


class Command(BaseCommand):
    help = "Write the documents of docs/api/ that are made from the code. Repeatable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when one is old")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        old = []
        for name, write in DOCUMENTS.items():
            path, text = FOLDER / name, write()
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                old.append(name)
                if not check:
                    path.write_text(text, encoding="utf-8")
        if check and old:
            raise CommandError(f"{', '.join(old)}: not what the code says. Run: python manage.py write_docs")
        self.stdout.write(f"Written: {', '.join(old)}." if old else "Nothing has changed.")
