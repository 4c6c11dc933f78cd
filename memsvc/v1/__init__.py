"""Generated from protos/memsvc/v1 by `make proto`. Do not edit."""
