"""Small pictures, drawn here as inline SVG."""
