"""What Shortstop would have made of somebody's own log, before anybody adopts it: nothing leaves
this machine, and no model is asked unless it is wanted."""
