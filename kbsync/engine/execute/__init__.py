"""What is done to one document: intent, call, outcome."""
