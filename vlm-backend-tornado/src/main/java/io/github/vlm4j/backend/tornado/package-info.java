/** Empty shell of a GPU backend on TornadoVM. */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.backend.tornado;
