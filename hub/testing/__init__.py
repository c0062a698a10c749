"""What connectors are tried out with: contracts of vendors, stand-ins for them, rehearsals without them."""
