"""Harnesses that look for money lost or doubled: killed anywhere, faults at every call, races. `make crash`, `make faults`."""
