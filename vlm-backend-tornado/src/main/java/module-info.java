/**
 * A backend for GPUs and other accelerators, on TornadoVM. Its classes are found only if this module
 * is on the class path, since TornadoVM's argument file sets a module path of its own.
 */
module io.github.vlm4j.backend.tornado {
  requires io.github.vlm4j.core;

  provides io.github.vlm4j.core.backend.BackendProvider with
      io.github.vlm4j.backend.tornado.TornadoBackendProvider;
}
