"""Passwords for tests: the same algorithm as everywhere, at a price that does not slow a story down."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2(Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 8
    parallelism = 1
