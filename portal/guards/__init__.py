"""Guards of pages: access by role and object, step-up, middleware."""
