"""`make run`: everything the marketplace needs, started in order, watched, and stopped together.

`__main__` is the story; `supervisor` starts, watches and stops the parts that `site` makes from the settings;
`postgres` is the embedded database; `roster` remembers on disk what runs, so that nothing survives its supervisor;
`guardian` stops everything when the supervisor is killed; `prepare` does what needs Django (migrations, static files,
webhook endpoints, schedules, demo data).
"""
