"""Training data: request patterns written by hand, and what is made from them."""
