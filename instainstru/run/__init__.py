"""`make run`: everything the marketplace needs, started in order, watched, and stopped together.

`__main__` is the story; `parts` starts and stops one process; `postgres` is the embedded database; `roster` remembers on disk
what runs, so that nothing survives its supervisor; `guardian` stops everything when the supervisor is killed; `prepare` does
what needs Django (migrations, static files, schedules, webhook endpoints, demo data).
"""
