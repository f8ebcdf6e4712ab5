"""Notifications: a receiver hears once that a mirror is in trouble, and once that it is over."""
