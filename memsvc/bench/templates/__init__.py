"""Wordings of facts that are said again, and of values that change: development halves and held-out ones.

The rules of consolidation were tuned on the development halves alone. The held-out ones have other attributes and other
wordings; they are measured, and their failures are not looked at one by one.
"""
