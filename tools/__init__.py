"""What builds the book.  A package, so that no other module named tools can stand before it."""
