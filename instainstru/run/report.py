"""What is printed when everything runs."""

from .site import Site

DEMO_LOGINS = ("student@example.com", "instructor@example.com", "staff@example.com (superuser)")
DEMO_PASSWORD = "sandbox"  # noqa: S105


def welcome(site: Site, *, seconds: float) -> str:
    """Where everything is, and how to log in."""
    url = site.settings.SITE_URL
    rows = [("Site", f"{url}/")]
    if site.settings.SANDBOX_MODE:
        rows.append(("Sandbox", f"{url}/sandbox/  clock, people, mail, ledger"))
    rows += [("Admin", f"{url}/admin/"), ("Health", f"{url}/healthz/ready")]
    if site.settings.STRIPE_API_BASE:
        rows.append(("Stripe sandbox", site.settings.STRIPE_API_BASE))
    rows += [
        ("Database", "at DATABASE_URL" if site.database_url else site.postgres.url("instainstru")),
        ("Logs", f"{site.logs}/"),
    ]
    lines = [f"\nInstaInstru runs, after {seconds:.1f} s.\n"]
    lines += [f"  {name:<16}{place}" for name, place in rows]
    if site.settings.SANDBOX_MODE:
        lines.append(f"\n  Log in as {', '.join(DEMO_LOGINS)}; password: {DEMO_PASSWORD}")
    lines.append("\nCtrl-C stops everything; the data stays. `make reset` starts over.\n")
    return "\n".join(lines)
