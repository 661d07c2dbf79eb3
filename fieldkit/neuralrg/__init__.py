"""Part five: flows that draw lattice fields, scale by scale or wave by wave, trained, weighed and beaten."""
