"""What the pages say, where the program only has codes: statuses, events, refusals."""
