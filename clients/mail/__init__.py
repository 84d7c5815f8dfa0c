"""The outbox: recipients, texts and delivery of mails."""
