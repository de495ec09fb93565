"""Tables and matrices as points that can be looked at: places, colours, crops."""
