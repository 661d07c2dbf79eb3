"""Part two: mean-field signal propagation.  h = W x + b, W ~ N(0, sw2 / fan_in), b ~ N(0, sb2); q, c are those of h."""
