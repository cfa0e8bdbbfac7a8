"""What stops the agent while it speaks, and what does not?"""
