"""ServiceAccount tokens: signed statements of who a pod acts as, given out and looked through here.

``keys`` signs and checks, ``claims`` says what is in a token, ``authenticator`` whether it can be believed now, and
``discovery`` tells others how to check tokens on their own.

Source: Kubernetes documents, "Managing service accounts"; KEP-1205 (bound tokens), KEP-4193 (node and jti claims).
"""
