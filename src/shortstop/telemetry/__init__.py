"""What operators watch: observers of finished rows, such as Prometheus metrics."""
