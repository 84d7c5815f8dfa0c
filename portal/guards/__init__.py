"""Who may open a page: access by role and object, step-up, middleware."""
