"""State in SQL: the tables, the engine, one module of queries per aggregate, and the migrations."""
