"""Pages for instructors: the day, the hours, the money, what they offer."""
