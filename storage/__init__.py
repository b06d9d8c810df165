"""Memory: SQLAlchemy tables, every SQL statement, migrations, encryption."""
