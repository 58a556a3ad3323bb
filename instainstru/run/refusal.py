"""Why nothing was started, in one line."""


class Refusal(Exception):
    """Raised before anything runs; the command prints it and ends with exit code 2."""
