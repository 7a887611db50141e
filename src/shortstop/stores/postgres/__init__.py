"""Every store in one PostgreSQL database (15 or newer): several machines, each with its workers.

Works through PgBouncer in transaction mode: a connection keeps nothing between transactions.
"""
