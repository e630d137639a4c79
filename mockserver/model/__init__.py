"""What the model says: from a request to an answer, pure and repeatable, before any wire format."""
