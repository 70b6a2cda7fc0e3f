"""What people look at: tables in the terminal, a page in the browser."""
