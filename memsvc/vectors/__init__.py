"""The derived index: collection schema, filters, and its two adapters, Qdrant Edge and a Qdrant server."""
