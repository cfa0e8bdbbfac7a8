"""Ray as the engine that keeps the workers of a cluster running, on as many machines as it has.

Ray places actors by what they need, starts them again when they die, and elsewhere when their machine is gone; its
autoscaler adds machines when there is no room. All of that is Ray's. What is here says what the actors are.
"""
