"""The page: what a person sees of V-Asset in a browser, and how a browser stays signed in."""
