package io.github.vlm4j.backend.tornado.device;

import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * The arrays by which TornadoVM knows what lies on the device: the heaps, which stay there, and
 * small ones that go there or come back with a launch.
 */
record HostArrays(
    FloatArray floats, ShortArray shorts, ByteArray bytes, IntArray ints, Staged staged) {

  /** The elements of the small arrays. */
  static final int FEW = 1 << 12;

  static final int MANY = 1 << 20;

  /** Small arrays, of few or of many elements. */
  record Staged(
      FloatArray fewFloats,
      FloatArray manyFloats,
      ShortArray shorts,
      ByteArray bytes,
      IntArray fewInts,
      IntArray manyInts,
      FloatArray fewResults,
      FloatArray manyResults) {

    static Staged create() {
      return new Staged(
          new FloatArray(FEW),
          new FloatArray(MANY),
          new ShortArray(MANY),
          new ByteArray(MANY),
          new IntArray(FEW),
          new IntArray(MANY),
          new FloatArray(FEW),
          new FloatArray(MANY));
    }
  }
}
