"""Pages, one folder an area: a view beside its forms. No page imports a page."""
