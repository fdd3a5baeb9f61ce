"""Pull one image: resolve its name to a manifest, fetch what is missing, commit.

Flow: registry.py -> *here* -> layers.py, then the store's commit. Layers come in parallel; one that is here already,
or that another process is fetching, is not fetched again.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from nodeagent.images.builtin import LOCAL_REGISTRY
from nodeagent.images.documents import (
    INDEX_TYPES,
    ConfigDocument,
    Descriptor,
    Index,
    Manifest,
    check_layers,
    choose_manifest,
    decode,
    host_platform,
)
from nodeagent.images.errors import ImageError
from nodeagent.images.layers import LayerSource, LayerStore
from nodeagent.images.reference import Reference
from nodeagent.images.registry import Fetched, RegistryClient

if TYPE_CHECKING:
    from nodeagent.images.store import ImageStore

PARALLEL_LAYERS: Final = 3
MAX_INDEX_DEPTH: Final = 4
_OLD_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v1"


async def pull_image(reference: Reference, store: "ImageStore", insecure: frozenset[str]) -> str:
    """Fetch an image into the store and return its id.

    Raises:
        ImageError: it could not be had.
    """
    if reference.registry == LOCAL_REGISTRY:
        raise ImageError(f'"{reference}": not found; {LOCAL_REGISTRY} is this machine: load or import the image')
    async with RegistryClient(reference.registry, insecure) as client:
        top, manifest = await _resolve(client, reference)
        raw_config = await client.blob(reference.repository, manifest.config)
        config = decode(ConfigDocument, raw_config, "image config")
        check_layers(manifest, config, host_platform())
        wanted = dict(zip(config.rootfs.diff_ids, manifest.layers, strict=True))  # a layer may occur twice
        await _fetch_layers(client, reference.repository, store.layers, wanted)
    names = [str(reference.by_digest(top.digest))]
    if reference.tag and not reference.digest:
        names.insert(0, str(reference))
    size = manifest.config.size + sum(layer.size for layer in manifest.layers)
    return await asyncio.to_thread(store.commit, names, raw_config, size)


async def _resolve(client: RegistryClient, reference: Reference) -> tuple[Fetched, Manifest]:
    """Follow the name to the manifest for this machine; also return what the name itself stands for."""
    try:
        top = fetched = await client.manifest(reference.repository, reference.version)
        for _ in range(MAX_INDEX_DEPTH):
            if fetched.media_type.startswith(_OLD_MANIFEST):
                raise ImageError("media type of docker's schema 1 is no longer supported")
            if fetched.media_type not in INDEX_TYPES:
                return top, decode(Manifest, fetched.raw, "manifest")
            wanted = host_platform()
            chosen = choose_manifest(decode(Index, fetched.raw, "index"), wanted)
            if chosen is None:
                raise ImageError(f"no match for platform in manifest: none is for linux/{wanted.architecture}")
            fetched = await client.manifest(reference.repository, chosen.digest)
        raise ImageError("image indexes are nested too deeply")
    except ImageError as error:
        raise ImageError(f'failed to resolve reference "{reference}": {_subject(reference, error)}') from error


def _subject(reference: Reference, error: ImageError) -> str:
    """Name what was not found; other errors speak for themselves."""
    return f"{reference}: not found" if str(error) == "not found" else str(error)


async def _fetch_layers(
    client: RegistryClient, repository: str, layers: LayerStore, wanted: dict[str, Descriptor]
) -> None:
    """Fetch several layers at a time; the first failure stops the others, and is the one that is told."""
    turn = asyncio.Semaphore(PARALLEL_LAYERS)

    async def fetch(diff_id: str, descriptor: Descriptor) -> None:
        async with turn:
            await _fetch_layer(client, repository, layers, diff_id, descriptor)

    try:
        async with asyncio.TaskGroup() as group:
            for diff_id, descriptor in wanted.items():
                group.create_task(fetch(diff_id, descriptor), name=f"layer {descriptor.digest}")
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _fetch_layer(
    client: RegistryClient, repository: str, layers: LayerStore, diff_id: str, descriptor: Descriptor
) -> None:
    async with layers.lock_async(diff_id) as lock_fd:
        if layers.has(diff_id):
            return
        blob = layers.partial_path(diff_id)
        await client.download(repository, descriptor, blob)
        source = LayerSource(blob, 0, descriptor.size)
        unpacking = asyncio.create_task(asyncio.to_thread(layers.unpack, source, diff_id, lock_fd))
        try:
            await asyncio.shield(unpacking)
        finally:
            await asyncio.wait([unpacking])  # a cancelled pull keeps the lock until the thread has left the layer
        await asyncio.to_thread(blob.unlink)
