/**
 * A backend on TornadoVM, which compiles Java to the code of GPUs and other accelerators. This
 * package knows nothing of TornadoVM's classes, so that it loads everywhere and can say why they
 * cannot be used.
 */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.backend.tornado;
