"""The whole story, told in a terminal: real operations, the real walk of the clock, a money table after each step."""
