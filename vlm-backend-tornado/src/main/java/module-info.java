/** Empty shell of a GPU backend on TornadoVM. */
module io.github.vlm4j.backend.tornado {
  requires io.github.vlm4j.core;
}
