"""Pages for people: self-contained HTML, no script and nothing fetched."""
