"""What answers one task: small models that were trained on its traffic, as the street asks them.

A specialist reads what a request asks (`Query`) and gives an `Opinion`: an answer, how sure it is,
and whether what it read is like what it learned from. A `Gate` says which opinions are served;
everything else escalates. Nothing here trains, and nothing here knows a socket or a store.
"""
