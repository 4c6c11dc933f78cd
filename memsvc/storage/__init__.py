"""SQL: tables, transactions, and one class per port."""
