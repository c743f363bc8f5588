"""What joins components: weighed, delayed and adapted signals, and the audit of what they delivered."""
