"""Plans: their syntax, what makes them valid, their DAG."""
