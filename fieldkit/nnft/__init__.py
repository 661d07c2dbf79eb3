"""Part three: networks as fields.  f(x) = b + sum_i v_i h(w_i.x + b_i), w ~ N(0, sw2 / d), v ~ N(0, sw2 / N)."""
