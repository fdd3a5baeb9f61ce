"""The image store: names, configs and unpacked layers below one directory, shared by all processes of a machine.

Layout::

    index.json       which images there are: id -> names, layers, size; replaced as a whole, under a lock
    configs/<hex>    config documents; the digest of one is the id of its image
    layers/<hex>     unpacked layers, by diffID (layers.py)
    ingest/ locks/   work under way

Order of writing: layers, config, index; so whoever finds an image in the index finds all of it, and readers need no
lock. Removing goes the other way. Whoever adds holds the lock ``adding`` shared, whoever removes layers holds it alone:
an image that is half there has no entry yet to protect its layers.
"""

import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nodeagent.images import builtin
from nodeagent.images.archive import ArchivedImage, digest_of_source, open_archive, read_images
from nodeagent.images.documents import ConfigDocument, check_platform, decode, digest_of, host_platform
from nodeagent.images.errors import ImageError, ImagePullError
from nodeagent.images.index import Entries, Entry, ImageIndex, filed_name, find_name, with_image, without_name
from nodeagent.images.layers import LayerSource, LayerStore, layers_in_use
from nodeagent.images.locks import locked, locked_async, try_lock, write_durably
from nodeagent.images.reference import parse_reference


@dataclass(frozen=True)
class ImageConfig:
    """What an image wants run, where the pod does not say otherwise."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    user: str = ""  # as in the Dockerfile: name or number, perhaps with :group
    stop_signal: str = ""


@dataclass(frozen=True)
class Image:
    """An image that is ready to run."""

    id: str  # sha256:..., the digest of its config
    names: tuple[str, ...]  # full names, tags before digests
    layers: tuple[Path, ...]  # read-only directories, the uppermost first
    config: ImageConfig
    size_bytes: int  # of what was downloaded or loaded

    @property
    def repo_digest(self) -> str:
        """The name with a digest that a pod's status shows as imageID; the bare id for what came from no registry."""
        return next((name for name in self.names if "@" in name), self.id)


Images = list[Image]  # named here, because the store has a method called list


class ImageStore:
    """All images of the machine. Safe to use from several processes; only :meth:`pull` is a coroutine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layers = LayerStore(root)
        self._configs = root / "configs"
        self._configs.mkdir(mode=0o700, exist_ok=True)
        self._scratch = root / "ingest"
        self._adding = root / "locks" / "adding"
        self._index = ImageIndex(root / "index.json", root / "locks" / "index")
        self._config_cache: dict[str, ImageConfig] = {}

    def resolve(self, ref: str) -> Image | None:
        """Find an image by name or id (``sha256:...``); None unless all of it is here.

        Raises:
            InvalidReference: ``ref`` is no image name.
        """
        entries = self._index.read()
        image_id = ref if ref in entries else find_name(entries, parse_reference(ref))
        return None if image_id is None else self._image(image_id, entries[image_id])

    def list(self) -> Images:
        """Return all images, sorted by name."""
        images = (self._image(image_id, entry) for image_id, entry in self._index.read().items())
        return sorted((image for image in images if image), key=lambda image: (image.names, image.id))

    def _image(self, image_id: str, entry: Entry) -> Image | None:
        if not all(self.layers.has(layer) for layer in entry.layers):
            return None  # somebody removed files by hand: as good as absent, so that a pull mends it
        if (config := self._config_cache.get(image_id)) is None:
            try:
                raw = (self._configs / image_id.removeprefix("sha256:")).read_bytes()
            except FileNotFoundError:
                return None  # removed since the index was read
            config = self._config_cache[image_id] = read_config(decode(ConfigDocument, raw, "image config"))
        layers = tuple(self.layers.path(layer) for layer in reversed(entry.layers))
        return Image(image_id, entry.names, layers, config, entry.size)

    async def pull(self, ref: str, *, insecure: Collection[str] = frozenset()) -> Image:
        """Fetch an image from its registry, whether or not one of that name is here (the tag may have moved).

        Args:
            insecure: registries (``host:port``) that are spoken to without TLS; loopback always is.

        Raises:
            ImagePullError: no image could be had; the message says why in containerd's words.
        """
        from nodeagent.images.pull import pull_image  # with aiohttp, which costs 0.2 s that most starts can do without

        reference = parse_reference(ref)
        try:
            async with locked_async(self._adding, shared=True):
                image_id = await pull_image(reference, self, frozenset(insecure))
            if (image := self.resolve(image_id)) is None:
                raise ImageError("it was removed meanwhile")
        except (ImageError, OSError) as error:
            raise ImagePullError(f'failed to pull and unpack image "{reference}": {error}') from error
        return image

    def load_archive(self, path: Path) -> Images:
        """Add every image of a docker-archive or OCI layout (a tar, gzipped or not, or a directory).

        Raises:
            ImageError: the archive cannot be read; images before the faulty one are kept.
        """
        with locked(self._adding, shared=True), open_archive(path, self._scratch) as archive:
            ids = [self._add_archived(image) for image in read_images(archive)]
        return [image for image_id in ids if (image := self.resolve(image_id))]

    def _add_archived(self, image: ArchivedImage) -> str:
        config = decode(ConfigDocument, image.config, "image config")
        check_platform(config, host_platform())
        if len(config.rootfs.diff_ids) != len(image.layers):
            raise ImageError(f"config has {len(config.rootfs.diff_ids)} diffIDs for {len(image.layers)} layers")
        for layer, diff_id in zip(image.layers, config.rootfs.diff_ids, strict=True):
            self.layers.add(layer, diff_id)
        return self.commit(image.names, image.config, sum(layer.size for layer in image.layers))

    def import_directory(self, path: Path, ref: str) -> Image:
        """Make a directory an image of one layer that runs a shell.

        Raises:
            ImageError: ``path`` is no directory that can be read.
        """
        if not path.is_dir():
            raise ImageError(f"{path} is not a directory")
        if self.root.resolve().is_relative_to(path.resolve()):
            raise ImageError(f"{path} contains the image store itself")
        return self._add_generated(ref, lambda target: builtin.write_directory_layer(target, path), "/bin/sh")

    def ensure_builtin(self) -> Image:
        """Have the built-in busybox image; it is made once."""
        image = self.resolve(builtin.BUILTIN_NAME)
        return image or self._add_generated(builtin.BUILTIN_NAME, builtin.write_busybox_layer, "sh")

    def _add_generated(self, ref: str, write_layer: Callable[[IO[bytes]], None], command: str) -> Image:
        reference = parse_reference(ref)
        with locked(self._adding, shared=True), tempfile.NamedTemporaryFile(dir=self._scratch) as file:
            write_layer(file)
            file.flush()
            source = LayerSource(Path(file.name), 0, os.stat(file.name).st_size)
            diff_id = digest_of_source(source)
            self.layers.add(source, diff_id)
            config = builtin.new_config(diff_id, host_platform().architecture, command)
            image_id = self.commit((str(reference),), config, source.size)
        if (image := self.resolve(image_id)) is None:
            raise ImageError(f"{reference} was removed while it was made")
        return image

    def commit(self, names: Sequence[str], config: bytes, size: int) -> str:
        """Give layers that are all stored their config and names: from here on the image exists. Return its id."""
        image_id = digest_of(config)
        layers = decode(ConfigDocument, config, "image config").rootfs.diff_ids
        write_durably(self._configs / image_id.removeprefix("sha256:"), config)
        self._index.update(lambda entries: with_image(entries, image_id, Entry(tuple(names), layers, size)))
        return image_id

    def remove(self, ref: str) -> None:
        """Remove a name, and with its last tag the image; an id removes the image under all its names.

        Layers that a container may be using, or that somebody is adding right now, stay until a later removal.

        Raises:
            ImageError: there is no such image.
        """

        def change(entries: Entries) -> Entries:
            reference = None if ref in entries else parse_reference(ref)
            image_id = ref if reference is None else find_name(entries, reference)
            if image_id is None:
                raise ImageError(f'image "{reference}": not found')
            return without_name(entries, image_id, "" if reference is None else filed_name(reference))

        self._index.update(change)
        self._collect()

    def _collect(self) -> None:
        """Remove the layers and configs that no image of the index has."""
        if (alone := try_lock(self._adding)) is None:
            return  # somebody adds an image: its layers are not in the index yet
        try:
            entries = self._index.read()
            unused = self.layers.known() - {layer for entry in entries.values() for layer in entry.layers}
            used = layers_in_use({self.layers.path(layer).name for layer in unused})
            for layer in unused:
                if self.layers.path(layer).name not in used:
                    self.layers.remove(layer)
            for config in self._configs.iterdir():
                if f"sha256:{config.name}" not in entries:
                    config.unlink()
        finally:
            os.close(alone)


def read_config(document: ConfigDocument) -> ImageConfig:
    """Take from a config what running it needs."""
    run = document.config
    if run is None:
        return ImageConfig()
    variables = (variable.partition("=") for variable in run.env or ())
    return ImageConfig(
        entrypoint=run.entrypoint or (),
        cmd=run.cmd or (),
        env=tuple((name, value) for name, _, value in variables),
        working_dir=run.working_dir or "",
        user=run.user or "",
        stop_signal=run.stop_signal or "",
    )
