"""Pages about lessons: choosing a time, paying, living with a booking."""
