"""OpenAPI: the shape of every object and operation, made from the models that the server itself decodes with.

Flow: naru.api models -> *schemas* -> documents of version 3, one a group-version, and one of version 2 for all.
kubectl needs it for ``explain``, for three-way merges in ``apply`` and ``diff``, and to learn that the server
validates fields itself. Documents are built when first asked for, in a process of their own (:mod:`.library`).
"""
