/**
 * What computes with TornadoVM: compiled only where its API is at hand, and loaded only when asked
 * for.
 *
 * <p>All that lives on the device lies in four heaps, each one array of TornadoVM: f32, 16-bit
 * patterns, bytes and integers. A graph becomes a list of launches of a few general kernels whose
 * parameters say where in the heaps to read and write. All kernels belong to one execution plan and
 * pass the heaps on to each other on the device.
 */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.backend.tornado.device;
