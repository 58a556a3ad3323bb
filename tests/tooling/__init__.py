"""Tests of what starts, checks and tests the marketplace."""
