"""`make bench`: does what is asked all day stay fast when the marketplace has grown a hundredfold?

A market of settled lessons is written straight into the database (filling.py), everything that is asked often is asked
in it at two sizes (measures.py), and the ratio of the two is what counts: machines differ, ratios hardly do.
"""
