"""A client about itself (scope `keydesk.self`)."""
