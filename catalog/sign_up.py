"""Signing up: the person and what belongs to their role."""

from django import forms
from django.http import HttpRequest

from accounts.models import User
from common.actors import Role

from .models import InstructorProfile


class SignUpForm(forms.Form):
    """What signing up asks beside e-mail and password (django-allauth's ACCOUNT_SIGNUP_FORM_CLASS)."""

    role = forms.ChoiceField(choices=[(role, role) for role in (Role.STUDENT, Role.INSTRUCTOR)])
    first_name = forms.CharField(max_length=80)
    last_name = forms.CharField(max_length=80, required=False)
    timezone = forms.CharField(max_length=64, required=False)

    def signup(self, request: HttpRequest, user: User) -> None:
        """Complete the person who was just written. Runs in the transaction that wrote them."""
        user.role = Role(self.cleaned_data["role"])
        user.timezone = self.cleaned_data["timezone"] or user.timezone
        user.save(update_fields=["role", "timezone"])
        if user.role == Role.INSTRUCTOR:
            InstructorProfile.objects.create(user=user)
