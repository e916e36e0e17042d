/**
 * What runs on the device: static methods that TornadoVM compiles. Each reads its numbers from the
 * first places of an array of parameters, as TornadoVM freezes scalars when a graph is built, and
 * everything else from heaps, at offsets that are parameters too, so that one compiled kernel
 * serves every layer of every model.
 */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.backend.tornado.device.kernels;
