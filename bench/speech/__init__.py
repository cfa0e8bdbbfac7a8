"""How well does the embedded speech-to-text understand callers?"""
