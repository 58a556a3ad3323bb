"""The endpoints about lessons and their money. Each parses, makes one call and renders; urls.py lists them all."""
