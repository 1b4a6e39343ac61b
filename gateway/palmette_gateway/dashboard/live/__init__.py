"""What the page shows without being asked again."""
