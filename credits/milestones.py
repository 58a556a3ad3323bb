"""Milestone credits by lifetime completed lessons (policy 8), as pure functions."""

EVERY = 11
MILESTONES = {5: 1000, 0: 2000}  # lessons modulo EVERY -> cents


def milestone_cents(*, completed_lessons: int) -> int:
    """What a student earns by completing their n-th lesson: 1000 at 5, 16, 27 …; 2000 at 11, 22, 33 …; otherwise 0."""
    return MILESTONES.get(completed_lessons % EVERY, 0) if completed_lessons > 0 else 0


def milestone_key(*, student_id: str, completed_lessons: int) -> str:
    """The issue key of that credit: a milestone is reached once."""
    return f"milestone:{student_id}:{completed_lessons}"
