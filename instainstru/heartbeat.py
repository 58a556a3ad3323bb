"""The job cluster's sign of life, readable from every other process."""

from django.db import Error as DatabaseError
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.status import Stat

LIFETIME_SECONDS = 15  # the cluster reports every second; a long pass of its scheduler must not look like its death


class Broker(ORM):
    """django-q2's ORM broker, whose cluster reports stay readable for LIFETIME_SECONDS."""

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        super().set_stat(key, value, max(timeout, LIFETIME_SECONDS))

    def get_stats(self, pattern: str) -> list[str]:
        """The reports of every cluster, oldest first. Only reads, unlike the original."""
        keys: list[str] = self.cache.get(Conf.Q_STAT, [])
        return [stat for key in keys if (stat := self.cache.get(key))]


def cluster_is_alive() -> bool:
    """Whether a job cluster reported itself ready for work within LIFETIME_SECONDS."""
    try:
        return any(stat.status in (Conf.IDLE, Conf.WORKING) for stat in Stat.get_all())
    except DatabaseError:
        return False
