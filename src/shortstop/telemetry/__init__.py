"""What operators watch: observers of Traces."""
