"""A stand-in for Amazon's S3, EMR, IAM, EC2 and STS on loopback that runs the steps it is given.

One process holds the moto server, which keeps the state that the API shows, and an agent, which does what
the EMR service does behind that API: it starts a node for each cluster, runs the bootstrap actions and the
streaming steps there, writes the logs to S3 and sets the states.
"""
