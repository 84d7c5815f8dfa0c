"""Pages, one folder per area, with the views beside their forms. Pages do not import each other."""
