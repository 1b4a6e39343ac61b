"""Forms made from the JSON Schema of a method's configuration, and what people fill in."""
