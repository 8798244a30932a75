"""Side-by-side figures: `python -m benchmarks NAME [--quick] [--json]`, one module a table."""
