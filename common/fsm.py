"""The base of our two state machines: protected status fields that can still be refreshed, safely between threads."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django_fsm import ConcurrentTransitionMixin


class GuardedModel(ConcurrentTransitionMixin, models.Model):
    """A model whose FSM field changes by its transitions only, and never over somebody else's transition.

    django-fsm's own mixin makes a protected field refreshable by switching the protection off on the class for a moment,
    which other threads see. Here only this instance steps aside: the value is taken out, refreshed, and guarded again.
    """

    class Meta:
        abstract = True

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Any] | None = None,
    ) -> None:
        """Django's refresh_from_db, also for protected status fields."""
        guarded = [f.attname for f in self.state_fields if fields is None or f.attname in fields]
        kept = {name: self.__dict__.pop(name) for name in guarded if name in self.__dict__}
        try:
            models.Model.refresh_from_db(self, using=using, fields=fields, from_queryset=from_queryset)
        except BaseException:
            self.__dict__.update(kept)
            raise
        self._update_initial_state()
