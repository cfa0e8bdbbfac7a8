"""How old is sound when it is heard, and what does the media path cost?"""
