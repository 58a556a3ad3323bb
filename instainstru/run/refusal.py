"""Why nothing was started, in one line."""


class Refusal(Exception):  # noqa: N818 - it is not an error of ours
    """Raised before anything runs; the command prints it and ends with exit code 2."""
